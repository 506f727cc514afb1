"""Bodies that are none: broken JSON, other types, other encodings, endless nesting; refused in shape, never a 5xx."""

from __future__ import annotations

from decimal import Decimal

from soundstage_contracts.checks.creation_cases import as_json
from soundstage_contracts.checks.errors import ASSUMED, well_formed
from soundstage_contracts.checks.money import glance, nothing_made, takes
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

BROKEN = {
    "nothing": b"",
    "spaces": b" \n\t ",
    "cut off": b'{"prompt":"A paper bo',
    "two values": b"{} {}",
    "comma at the end": b'{"prompt":"A paper boat",}',
    "comment": b'{"prompt":"A paper boat"} // boat',
    "single quotes": b"{'prompt':'A paper boat'}",
    "key without quotes": b'{prompt:"A paper boat"}',
    "list": b"[]",
    "list of objects": b'[{"prompt":"A paper boat"}]',
    "text": b'"A paper boat"',
    "number": b"17",
    "true": b"true",
    "null": b"null",
    "no UTF-8": b'{"prompt":"A paper b\xf4at \xff\xfe"}',
    "UTF-16": '{"prompt":"A paper boat"}'.encode("utf-16"),
    "NaN": b'{"prompt":NaN}',
    "infinity": b'{"prompt":-Infinity}',
    "huge integer": b'{"prompt":' + b"9" * 6000 + b"}",
    "huge exponent": b'{"prompt":1e999999}',
    "lone surrogate": b'{"prompt":"A paper \\ud83d boat"}',
    "control character": b'{"prompt":"A paper\x01boat"}',
    "deep list": b"[" * 100_000,
    "deep object": b'{"prompt":' * 20_000 + b"1" + b"}" * 20_000,
    "deep field": b'{"prompt":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}


@promise("ERR-020", assumed=ASSUMED, each=tuple(BROKEN))
def no_proper_body(stage: Stage, case: str) -> None:
    """A body that is no JSON object in UTF-8 is refused as invalid on every path that takes one, and takes nothing."""
    account = stage.account()
    before = glance(stage, account)
    for name in as_json(stage.driver):
        whole = stage.creation(name).build(PROMPT)
        request = Request.raw(whole.path, BROKEN[case], "application/json")
        reply = stage.call(request, account)
        stage.error_of(request, reply, "invalid")
        well_formed(stage, reply)
    takes(before, glance(stage, account), Decimal(0), "after bodies that are none")
    nothing_made(stage, account)


@promise("ERR-021", assumed=ASSUMED)
def other_kinds_of_body(stage: Stage) -> None:
    """A create whose content type is no documented one is refused, whatever its body."""
    account = stage.account()
    before = glance(stage, account)
    for name in as_json(stage.driver):
        whole = stage.creation(name).build(PROMPT)
        for kind in ("text/plain", "text/html", "application/xml", "application/octet-stream", "image/png"):
            request = Request.raw(whole.path, whole.body, kind)
            reply = stage.call(request, account)
            stage.error_of(request, reply, "media_type")
            well_formed(stage, reply)
    takes(before, glance(stage, account), Decimal(0), "after bodies of other kinds")
    nothing_made(stage, account)


@promise("ERR-022", assumed=ASSUMED)
def hostile_ids(stage: Stage) -> None:
    """A task's id that cannot be one is refused with a 4xx in shape, never with a 5xx."""
    creation = stage.creation()
    for name in ("%00", "%ff", "%2e%2e%2f", "'%20or%201=1", "x" * 2000, "%F0%9F%98%80", "null", "0", "-1"):
        path = stage.driver.poll("NAME", creation).path.replace("NAME", name)
        reply = stage.call(Request("GET", path))
        expect(400 <= reply.status < 500, f"a poll of the task {name[:20]!r} is answered with {reply.status}")
        well_formed(stage, reply)
