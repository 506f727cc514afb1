"""Requests as clients really write them: unknown fields, other orders, headers in any case, query parameters."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from soundstage_contracts.checks.creation_cases import as_json
from soundstage_contracts.checks.money import glance, lost, nothing_made, purse, takes
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import shown
from soundstage_contracts.verdict import NotTested, expect
from soundstage_contracts.walking import creations

HTTP = dict.fromkeys(("midsync", "revidapi", "v2gateway", "apikeyorg"), "RFC 9110, not a document of the provider")
JSON = dict.fromkeys(HTTP, "RFC 8259, not a document of the provider")
IGNORED = {"revidapi": "R-REV-007", "v2gateway": "R-V2-019"}
UNKNOWN = {
    "midsync": "a field that the model does not list is ignored, which is unpublished",
    "apikeyorg": "unknown fields are ignored, which is unpublished",
    "v2gateway": "that further fields are not refused is an inference (R-V2-019)",
}
STRANGE = {
    "zz_unknown": "boat",
    "zzUnknown": 17,
    "x-zz": None,
    "zz list": [1, {"a": []}],
    "": "empty name",
    "zz\u00e9\U0001f680": {"deep": {"er": True}},
}


def same_price(stage: Stage, name: str, *changed: Request) -> None:
    """Raise Broken unless each changed request makes a task at the price of the plain one.

    Where money may be real, one request has to do: the first of the changed ones.
    """
    if stage.target.adapter is None:
        _affordable(stage, changed[0])
        return
    account = stage.account()
    before = purse(stage, account)
    creation = stage.creation(name)
    stage.start(account, creation)
    after = purse(stage, account)
    price = next(iter(lost(before, after).values()))
    for request in changed:
        before = after
        reply = stage.answered(request, account)
        expect(bool(stage.driver.created(reply).id), "a task without an id was made")
        after = purse(stage, account)
        takes(before, after, price, "after the same create in other words")


def _affordable(stage: Stage, request: Request) -> None:
    reply = stage.call(request)
    if reply.status in {stage.driver.errors["credits"].status, stage.driver.errors["rate"].status}:
        raise NotTested(f"the account of the key cannot make a task now: {shown(reply)}")
    expect(reply.status == 200, f"the create answers {reply.status}: {shown(reply)}")
    expect(bool(stage.driver.created(reply).id), "a task without an id was made")


@promise("FIELD-001", IGNORED, assumed=UNKNOWN, each=creations)
def unknown_fields(stage: Stage, name: str) -> None:
    """Fields that nobody documented are ignored and change neither price nor task."""
    build = stage.creation(name).build
    stranger = build(PROMPT, zz_unknown="boat", zzUnknown=17)
    if name in as_json(stage.driver):
        same_price(stage, name, stranger, build(PROMPT, **STRANGE))
    else:
        same_price(stage, name, stranger)


@promise("FIELD-002", assumed=JSON, each=as_json)
def json_in_any_order(stage: Stage, name: str) -> None:
    """The order of a body's fields, spaces between them and escapes in them change nothing."""
    plain = stage.creation(name).build(PROMPT)
    turned = dict(reversed(plain.value().items()))
    spaced = json.dumps(turned, indent=4).encode()
    escaped = plain.body.replace(b"A paper", b"\\u0041 paper")
    expect(escaped != plain.body, "the prompt is not in the body")
    same_price(
        stage,
        name,
        replace(plain, body=spaced),
        replace(plain, body=escaped),
        replace(plain, body=b"\n" + plain.body + b"\r\n"),
    )


@promise("FIELD-003", assumed=HTTP, each=as_json)
def headers_in_any_case(stage: Stage, name: str) -> None:
    """Names of headers count in any case of letters, and a content type with a charset is the same one."""
    plain = stage.creation(name).build(PROMPT)
    kinds = (
        ("CONTENT-TYPE", "application/json"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("content-type", "Application/JSON;charset=UTF-8"),
    )
    same_price(stage, name, *(replace(plain, headers=(kind,)) for kind in kinds))


@promise("FIELD-004", assumed=HTTP)
def key_header_in_any_case(stage: Stage) -> None:
    """The header that brings the key counts in any case of letters."""
    task = stage.start()
    poll = stage.driver.poll(task.id, task.creation)
    for form in (one for one in stage.driver.key_forms if one != "query"):
        keyed = stage.driver.authorize(poll, task.account.key, form)
        for change in (str.upper, str.title):
            shouted = replace(keyed, headers=tuple((change(key), value) for key, value in keyed.headers))
            reply = stage.bare(shouted)
            expect(reply.status == 200, f"a key in {shouted.headers[-1][0]} is answered with {reply.status}")


@promise("FIELD-005", assumed=HTTP, each=creations)
def query_on_a_create(stage: Stage, name: str) -> None:
    """Query parameters that nobody documented change nothing, on a create or on a poll."""
    plain = stage.creation(name).build(PROMPT)
    same_price(stage, name, plain.asking(zz="1"), plain.asking(zz="\u00e9", prompt="another", model="another"))
    task = stage.start(None, name)
    poll = stage.driver.poll(task.id, task.creation)
    seen = stage.driver.view(stage.answered(poll.asking(zz="1"), task.account))
    expect(seen == stage.poll(task), "a query parameter changes what a poll says")


@promise("FIELD-006", assumed=HTTP, each=creations)
def only_a_post_creates(stage: Stage, name: str) -> None:
    """HEAD, OPTIONS and GET at a create's address make nothing and take nothing."""
    account = stage.account()
    before = glance(stage, account)
    request = stage.creation(name).build(PROMPT)
    for method in ("HEAD", "OPTIONS", "GET", "TRACE"):
        reply = stage.call(Request(method, request.path), account)
        expect(reply.status < 500, f"{method} {request.path} is answered with {reply.status}")
        expect(method != "HEAD" or not reply.body, "HEAD is answered with a body")
    takes(before, glance(stage, account), Decimal(0), "after HEAD, OPTIONS and GET")
    nothing_made(stage, account)


@promise("FIELD-007", assumed=dict.fromkeys(HTTP, "no document says which letters a prompt may have"), each=creations)
def any_letters(stage: Stage, name: str) -> None:
    """A prompt may be in any script, with line breaks and signs, at the same price."""
    build = stage.creation(name).build
    prompts = (
        "\u7eb8\u8239\u5728\u6e56\u4e0a\u6f02",
        "\u0633\u0641\u064a\u0646\u0629 \u0648\u0631\u0642",
        "Boat \U0001f6a3\u200d\u2640\ufe0f now",
        'a "quoted"\nline\\ end',
        "<b>boat</b> & ${x}",
    )
    same_price(stage, name, *(build(prompt) for prompt in prompts))


@promise("FIELD-008", assumed={**UNKNOWN, "revidapi": "unknown values are refused (A-REV-17)"}, each=as_json)
def prompt_is_text(stage: Stage, name: str) -> None:
    """A prompt that is no text is refused, and takes nothing."""
    account = stage.account()
    for value in (17, 1.5, True, ["A paper boat"], {"text": "A paper boat"}):
        plain = stage.creation(name).build(PROMPT)
        stage.refused(Request.json(plain.path, {**plain.value(), "prompt": value}), "invalid", account)
    nothing_made(stage, account)


@promise("FIELD-009", assumed={**UNKNOWN, "revidapi": "unknown values are refused (A-REV-17)"}, each=as_json)
def model_is_text(stage: Stage, name: str) -> None:
    """A model that is no text is refused, and takes nothing."""
    account = stage.account()
    for value in (17, True, ["m", "n"], {"id": "m"}):
        stage.refused(stage.creation(name).build(PROMPT, model=value), "invalid", account)
    nothing_made(stage, account)
