"""Keys: every documented form works, all else is refused everywhere and takes nothing, and no reply shows a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.creation_cases import with_callback
from soundstage_contracts.checks.money import glance, lost
from soundstage_contracts.documents.contract import Contract, Operation
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

KEYED = {
    "midsync": "R-MID-004 R-MID-005",
    "revidapi": "R-REV-002",
    "v2gateway": "R-V2-004",
    "apikeyorg": "R-KEY-002",
}
SCOPES = ("api.generate", "api.read")


def keyed_operations(driver: Driver) -> Iterator[str]:
    """Yield the names of the operations that need a key."""
    contract = Contract(driver.id, assumptions=True)
    yield from (one.name for one in contract.operations if needs_key(contract, one))


def keyless_operations(driver: Driver) -> Iterator[str]:
    """Yield the names of the operations that need none."""
    contract = Contract(driver.id, assumptions=True)
    yield from (one.name for one in contract.operations if not needs_key(contract, one))


def needs_key(contract: Contract, operation: Operation) -> bool:
    """Return whether the document asks for a key here."""
    return bool(operation.says.get("security", contract.document.get("security", [])))


def harmless(contract: Contract, operation: Operation) -> Request:
    """Return a request for an operation that could do nothing even with a key: no such thing, and an empty body."""
    path = operation.path
    for given in operation.says.get("parameters", ()):
        says = contract.resolved(given)
        if says["in"] == "path":
            known = contract.resolved(says.get("schema", {})).get("enum", ["x"])
            path = path.replace(f"{{{says['name']}}}", str(known[0]))
    return Request.json(path, {}, operation.method) if operation.method != "GET" else Request.get(path)


def bad_keys(stage: Stage, request: Request) -> Iterator[Request]:
    """Yield a request with every kind of key that is none, in every form."""
    key = "sk_test_verify_nobody_invalid"
    for text in ("", "Bearer", "Bearer ", f"Basic {key}", key, f"Bearer {key} {key}", f"Bearer,{key}", f"Token {key}"):
        yield request.having("authorization", text)
    # A real provider does not know any of these; a simulator that takes every plain key knows the ending of the first.
    for text in (key, "short", "a key with spaces", "sk_test_{}", "k" * 5000, "sk_test_\xe9\xe8\xea\xeb"):
        for form in stage.driver.key_forms:
            yield stage.driver.authorize(request, text, form)


@promise("AUTH-001", KEYED, each=lambda driver: driver.key_forms)
def each_form_works(stage: Stage, form: str) -> None:
    """A key in any documented form makes a task, and it is this key's account that pays."""
    account = stage.account()
    before = glance(stage, account)
    # The query parameter belongs to the landing form alone (R-MID-005, decision D1).
    creation = stage.creation("landing" if form == "query" else None)
    made = stage.driver.created(stage.answered(creation.build(PROMPT), account, form))
    paid = lost(before, glance(stage, account))
    expect(min(paid.values(), default=1) > 0, f"a task was made and the account of the key has lost {paid}")
    forms = [one for one in stage.driver.key_forms if one != "query"]
    for other in forms:
        seen = stage.driver.view(stage.answered(stage.driver.poll(made.id, creation), account, other)).id
        # RevidAPI's documented job does not say its id.
        expect(seen == made.id or not (seen or stage.assumptions), f"the poll of {made.id} is about {seen}")


@promise("AUTH-002", KEYED, each=keyed_operations)
def no_key(stage: Stage, name: str) -> None:
    """Without a key an operation that needs one is refused as unauthorized."""
    request = harmless(stage.target.contract, stage.target.contract.named(name))
    stage.error_of(request, stage.bare(request), "unauthorized")


@promise("AUTH-003", KEYED, each=keyed_operations)
def bad_key(stage: Stage, name: str) -> None:
    """With a key that is empty, malformed, unknown or in a form nobody documented, an operation is refused."""
    request = harmless(stage.target.contract, stage.target.contract.named(name))
    account = stage.account()
    before = glance(stage, account)
    for sent in bad_keys(stage, request):
        stage.error_of(sent, stage.bare(sent), "unauthorized")
    expect(glance(stage, account) == before, "calls with bad keys have changed an account's money")


@promise(
    "AUTH-004",
    assumed=dict.fromkeys(KEYED, "no document says how a key ends"),
    each=keyed_operations,
)
def revoked_key(stage: Stage, name: str) -> None:
    """A revoked key is refused on every operation, in every form."""
    account = stage.account(revoked=True)
    request = harmless(stage.target.contract, stage.target.contract.named(name))
    for form in stage.driver.key_forms:
        stage.refused(request, "unauthorized", account, form)


@promise("AUTH-005", KEYED)
def creates_nothing(stage: Stage) -> None:
    """A whole and valid create without a key or with one nobody has makes and takes nothing; so does a revoked one."""
    account = stage.account()
    before = glance(stage, account)
    for creation in stage.driver.creations():
        request = creation.build(PROMPT)
        for sent in (request, stage.driver.authorize(request, "sk_test_verify_nobody_invalid", "bearer")):
            stage.error_of(request, stage.bare(sent), "unauthorized")
    expect(glance(stage, account) == before, "creates without a key have changed an account's money")
    if stage.assumptions:
        for creation in stage.driver.creations():
            stage.refused(creation.build(PROMPT), "unauthorized", stage.account(revoked=True))


@promise(
    "AUTH-006",
    {"apikeyorg": "R-KEY-010 R-KEY-031"},
    assumed={"apikeyorg": "the document wants a key with every request; its examples show none (A-KEY-01)"},
    each=keyless_operations,
)
def keyless(stage: Stage, name: str) -> None:
    """An operation that needs no key answers without one."""
    operation = stage.target.contract.named(name)
    request = harmless(stage.target.contract, operation)
    if operation.method == "POST":
        request = stage.driver.quote(stage.creation().build(PROMPT))
    reply = stage.bare(request)
    expect(reply.status == 200, f"{name} without a key answers {reply.status}")
    expect(bool(reply.body), f"{name} answers without a body")


@promise("AUTH-007", assumed=dict.fromkeys(KEYED, "common sense, not a document"), each=lambda driver: driver.key_forms)
def key_stays_secret(stage: Stage, form: str) -> None:
    """No reply and no callback shows the whole key, whatever was asked."""
    account = stage.account()
    creation = stage.creation("landing" if form == "query" else None)
    request = creation.build(PROMPT)
    nobody = stage.driver.poll("nobody", creation)
    asked = [request, stage.driver.poll("nobody", creation), stage.driver.front_door(), Request.json(request.path, {})]
    asked += [
        Request("DELETE", request.path),
        Request.raw(request.path, b"{", "application/json"),
        Request.get("/nothing"),
    ]
    shown = [stage.call(one, account, form) for one in (*asked, nobody)]
    for reply in shown:
        text = reply.body.decode("utf-8", "replace") + "\n".join(value for _, value in reply.headers)
        expect(account.key not in text, f"a reply ({reply.status}) shows the key")
    for name in tuple(with_callback(stage.driver))[:1]:
        _callback_without_key(stage, account, name)


def _callback_without_key(stage: Stage, account: Account, name: str) -> None:
    box = stage.mailbox()
    creation = stage.creation(name)
    fields: dict[str, Any] = {str(creation.callback): box.url}
    stage.follow(stage.start(account, creation, PROMPT, **fields))
    callback = box.wait(1)[0]
    text = callback.body.decode("utf-8", "replace") + "\n".join(value for _, value in callback.headers)
    expect(account.key not in text, "a callback shows the key")


@promise(
    "AUTH-008",
    {"midsync": "R-MID-007 R-MID-008 R-MID-009"},
    assumed={"midsync": "scopes of the other pages, and the status of a refusal (R-MID-135)"},
    each=keyed_operations,
)
def scopes(stage: Stage, name: str) -> None:
    """A key without the scope of an operation is forbidden there; with the scope alone it is let in."""
    operation = stage.target.contract.named(name)
    needed = SCOPES["/usage/" in operation.path]
    other = SCOPES["/usage/" not in operation.path]
    request = harmless(stage.target.contract, operation)
    for held in ((other,), ()):
        stage.refused(request, "forbidden", stage.account(scopes=held))
    reply = stage.call(request, stage.account(scopes=(needed,)))
    expect(reply.status not in {401, 403}, f"a key with the scope {needed} is refused with {reply.status}")


@promise("AUTH-010", assumed=dict.fromkeys(KEYED, "RFC 9110 11.1, not a document of the provider"))
def scheme_in_any_case(stage: Stage) -> None:
    """The word Bearer may be written in any case of letters."""
    account = stage.account()
    task = stage.start(account)
    for word in ("bearer", "BEARER"):
        request = stage.driver.poll(task.id, task.creation).having("authorization", f"{word} {account.key}")
        reply = stage.bare(request)
        expect(reply.status == 200, f"a key after {word} is answered with {reply.status}")
        expect(stage.driver.view(reply).id == task.id, "the poll is about another task")
