"""Callbacks: one comes when a task ends, and it says what a poll says."""

from __future__ import annotations

from soundstage_contracts.checks.creation_cases import before_spending, with_callback
from soundstage_contracts.checks.money import nothing_made
from soundstage_contracts.drivers.base import TaskView
from soundstage_contracts.exchange import Request
from soundstage_contracts.mailbox import Mailbox
from soundstage_contracts.promise import promise
from soundstage_contracts.receiver import Callback
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect

WEEK = 7 * 86400.0
ENDS = {"midsync": "R-MID-040 R-MID-131", "v2gateway": "R-V2-074", "apikeyorg": "R-KEY-060 R-KEY-061"}
FOUND = {"v2gateway": "notify_hook is on one model's page of a relative; the document has none (R-V2-074, A-V2-20)"}
BODY = {
    "midsync": "the body is unpublished (R-MID-132, D6)",
    "v2gateway": "notify_hook is a relative's field, and that its body is a poll's is another's word (R-V2-074)",
    "apikeyorg": "the body is unpublished (R-KEY-067, A-KEY-09)",
}


def hooked(stage: Stage, box: Mailbox, name: str | None = None, **fields: object) -> Started:
    """Make a task that asks for a callback to this mailbox."""
    names = tuple(with_callback(stage.driver))
    creation = stage.creation(names[0] if name is None else name)
    return stage.start(None, creation, PROMPT, **{str(creation.callback): box.url}, **fields)


def says_the_same(stage: Stage, callback: Callback, task: Started) -> None:
    """Raise Broken unless a callback's body is what a poll says now: in the driver's terms, and field by field."""
    reply = stage.poll_reply(task)
    told, seen = stage.driver.callback_view(callback), stage.driver.view(reply)
    expect(told.id == task.id, f"the callback is about {told.id}, the task is {task.id}")
    expect(told == seen, f"the callback says {told}, a poll {seen}")
    same = Request("POST", "/", (), callback.body).value() == reply.json()
    expect(same, f"the callback's body is not what a poll says: {callback.body[:300]!r} and {reply.body[:300]!r}")


@promise("CALL-001", ENDS, assumed=FOUND, each=with_callback)
def after_success(stage: Stage, name: str) -> None:
    """A task that asks for a callback gets one when it has succeeded; only one, and none before, as we read it."""
    box = stage.mailbox()
    task = hooked(stage, box, name)
    if stage.assumptions:
        none_before(stage, box, task)
    view = stage.follow(task)[-1]
    expect(view.state == stage.driver.life.success, f"the task should succeed, and is {view.state}")
    callback = box.wait(1)[0]
    if stage.assumptions:
        says_the_same(stage, callback, task)
        arrives_once(stage, box, task)


@promise("CALL-002", ENDS, assumed=FOUND, each=with_callback)
def after_failure(stage: Stage, name: str) -> None:
    """A task that asks for a callback gets one when it has failed; only one, as we read it."""
    before_spending(stage)
    box = stage.mailbox()
    task = hooked(stage, box, name)
    view: TaskView = stage.failed(task)
    expect(view.state == stage.driver.life.failure, f"the task should have failed, and is {view.state}")
    stage.pass_seconds(1, task.account)
    callback = box.wait(1)[0]
    if stage.assumptions:
        expect(bool(stage.driver.callback_view(callback).reason), "the callback of a failure gives no reason")
        says_the_same(stage, callback, task)
        arrives_once(stage, box, task)


def none_before(stage: Stage, box: Mailbox, task: Started) -> None:
    """Raise Broken when a callback comes before the task's end, in every state that can be waited for."""
    expect(not box.all(), "a callback came before the task began")
    if stage.target.adapter is not None:
        stage.until(task, stage.driver.life.running)
        expect(not box.all(), "a callback came while the task was running")


def arrives_once(stage: Stage, box: Mailbox, task: Started) -> None:
    """Raise Broken when a callback that was taken comes again, at polls or as time passes."""
    for _ in range(2):
        stage.poll(task)
    if stage.target.adapter is not None:
        stage.pass_seconds(WEEK, task.account)
    times = len(box.all())
    expect(times == 1, f"a callback that was answered with 200 came {times} times")


@promise("CALL-003", ENDS, assumed=BODY, each=with_callback)
def as_documented(stage: Stage, name: str) -> None:
    """A callback is a POST of JSON to the very address that was given, with the documented headers and body."""
    box = stage.mailbox()
    address = f"{box.url}?order=7&name=a%20b"
    creation = stage.creation(name)
    stage.follow(stage.start(None, creation, PROMPT, **{str(creation.callback): address}))
    callback = box.wait(1)[0]
    expect(address.endswith(callback.path), f"the callback went to {callback.path}, asked for was {address}")
    kind = (callback.header("content-type") or "").partition(";")[0].strip().lower()
    expect(kind == "application/json", f"the callback's content type is {kind!r}")
    expect(len(callback.body) == int(callback.header("content-length") or -1), "content-length is not the body's")
    value = Request("POST", "/", (), callback.body).value()
    problems = [*stage.target.contract.schema_problems("CallbackBody", value), *_header_problems(stage, callback)]
    expect(not problems, "; ".join(problems[:3]))


def _header_problems(stage: Stage, callback: Callback) -> list[str]:
    contract = stage.target.contract
    return [
        f"the callback has no header {says['name']}"
        for says in documented_callback(contract.document)["parameters"]
        # The simulator's own header is nobody else's promise.
        if says.get("required")
        and not says["name"].startswith("x-soundstage-")
        and callback.header(says["name"]) is None
    ]


def documented_callback(document: dict[str, object]) -> dict[str, list[dict[str, str]]]:
    """Return what a document says of the request that its provider sends."""
    components = document["components"]
    kept = components.get("callbacks", {}) if isinstance(components, dict) else {}
    paths = document["paths"] if isinstance(document["paths"], dict) else {}
    inline = (way.get("callbacks", {}) for item in paths.values() for way in item.values() if isinstance(way, dict))
    for known in (kept, *inline):
        for callback in known.values():
            for item in callback.values():
                if isinstance(item, dict) and "post" in item:
                    return dict(item["post"])
    raise LookupError("the document knows no callback")


@promise("CALL-006", ENDS, assumed=BODY)
def only_who_asked(stage: Stage) -> None:
    """Of two tasks only the one that asked for a callback gets one, and it is about that one."""
    box = stage.mailbox()
    creation = stage.creation(next(iter(with_callback(stage.driver))))
    silent = stage.start(None, creation, PROMPT)
    task = hooked(stage, box)
    stage.follow(silent)
    stage.follow(task)
    callback = box.wait(1)[0]
    expect(stage.driver.callback_view(callback).id == task.id, "the callback is about the task that asked for none")
    expect(len(box.all()) == 1, "more callbacks came than tasks that asked for one")


@promise("CALL-007", ENDS, assumed=BODY)
def each_its_own(stage: Stage) -> None:
    """Two tasks that ask for callbacks get one each, at their own addresses, as different events."""
    boxes = [stage.mailbox(), stage.mailbox()]
    tasks = [hooked(stage, box) for box in boxes]
    for task in tasks:
        stage.follow(task)
    told = [box.wait(1)[0] for box in boxes]
    for task, callback in zip(tasks, told, strict=True):
        says_the_same(stage, callback, task)
    first, second = (stage.driver.callback_id(callback) for callback in told)
    expect(first != second, f"two events have the same name {first}")


@promise(
    "CALL-010",
    {"apikeyorg": "R-KEY-061"},
    assumed={
        "midsync": "what is refused is unpublished (R-MID-135)",
        "v2gateway": "what is refused is unpublished (R-V2-070)",
        "apikeyorg": "R-KEY-068 is an inference",
    },
    each=with_callback,
)
def bad_addresses(stage: Stage, name: str) -> None:
    """A create whose callback address is none is refused, and takes nothing."""
    creation = stage.creation(name)
    for address in (
        "no address",
        "ftp://example.com/hook",
        "https://",
        "//example.com/x",
        "https://a.example/" + "x" * 3000,
    ):
        stage.refused(creation.build(PROMPT, **{str(creation.callback): address}), "invalid")
    nothing_made(stage, stage.someone)
