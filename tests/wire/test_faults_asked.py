"""What a request asks for: it acts where it can mean something, and a warning says where it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from soundstage.faults import Faults
from soundstage.faults.asked import by_header
from support.client import House
from support.faulty import APPLIED, CALLBACK_URL, CREATE, Side, side
from support.sockets import atalk, request

WARNING = "X-Soundstage-Warning"
HOOK = "http://127.0.0.1:9/hook"
CHAT: dict[str, Any] = {"model": "gpt-5-mini"}


async def listed(one: Side) -> list[str]:
    """Return the faults that the last task's own list names."""
    tasks = (await one.admin.get("/tasks"))["tasks"]
    return [fault["fault"] for fault in (await one.admin.get(f"/tasks/{tasks[-1]['id']}"))["faults"]]


@pytest.mark.parametrize(
    ("provider", "fault", "reason"),
    [
        ("revidapi", "callback/late", "has no callbacks"),
        ("revidapi", "callback/before-answer", "has no callbacks"),
        ("revidapi", "callback/wrong-signature", "has no callbacks"),
        ("midsync", "callback/late", "names a receiver of callbacks"),
        ("midsync", "callback/old-secret", "names a receiver of callbacks"),
        ("midsync", "callback/before-answer", "names a receiver of callbacks"),
        ("v2gateway", "callback/wrong-signature", "does not sign its callbacks"),
        ("v2gateway", "money/overcharge", "does not say what a task costs"),
        ("apikeyorg", "task/progress-back", "shows no progress"),
        ("apikeyorg", "money/quote-wrong", "it acts on quote calls, not on create"),
    ],
)
async def test_a_fault_that_cannot_mean_anything_is_warned_of_and_not_applied(
    stage: House, provider: str, fault: str, reason: str
) -> None:
    one = side(stage, provider)
    fields = {CALLBACK_URL[provider]: HOOK} if provider == "v2gateway" else {}
    answer = await one.create(f"{fault}, task/fail", **fields)
    assert answer.status == 200
    assert answer.headers[APPLIED] == "task/fail"
    assert answer.headers[WARNING].startswith(f"{fault} changes nothing here: ")
    assert reason in answer.headers[WARNING]
    assert await listed(one) == ["task/fail"]


async def test_a_key_with_a_receiver_of_its_own_is_called_back(stage: House) -> None:
    one = side(stage, "midsync")
    await one.admin.register(key=one.key, callback_url=HOOK)
    answer = await one.create("callback/late")
    assert (answer.headers[APPLIED], answer.headers.get(WARNING)) == ("callback/late", None)


async def test_a_rule_counts_only_calls_for_which_it_can_mean_anything(stage: House) -> None:
    one = side(stage, "midsync")
    await one.rule("callback/before-answer", {"nth": 1})
    assert APPLIED not in (await one.create()).headers
    (rule,) = (await one.admin.get("/faults"))["rules"]
    assert (rule["matched"], rule["applied"]) == (0, 0)
    assert (await one.create(callbackUrl=HOOK)).headers[APPLIED] == "callback/before-answer"


@pytest.mark.parametrize("word", ["slow=90s", "callback-late", "file-missing"])
async def test_a_magic_word_warns_in_a_call_it_does_not_fit(stage: House, word: str) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": f"hello sim:{word}"}]}
    answer = await side(stage, "apikeyorg").call("POST", "/v1/chat/completions", body)
    assert answer.status == 200
    assert "it acts on create calls, not on completion" in answer.headers[WARNING]
    assert APPLIED not in answer.headers


async def test_a_magic_word_for_a_task_is_silent_in_its_quote(stage: House) -> None:
    one = side(stage, "midsync")
    body = {"model": "kling-2.5-turbo", "duration": 5, "prompt": "A dragon sim:slow sim:callback-late"}
    answer = await one.call("POST", "/unified-video/quote", body)
    assert (answer.status, answer.headers.get(WARNING), answer.headers.get(APPLIED)) == (200, None, None)


async def test_a_magic_word_without_a_receiver_warns(stage: House) -> None:
    answer = await side(stage, "midsync").create(prompt="A dragon sim:callback-late")
    assert "callback/late changes nothing here" in answer.headers[WARNING]


@pytest.mark.parametrize("given", ["90s", "1.5m", "90000ms", 90, "90"])
async def test_a_span_is_read_the_same_everywhere(stage: House, given: Any) -> None:
    one = side(stage, "midsync")
    header = await one.made(f"task/slow;seconds={given}")
    token = await one.made(None, prompt=f"A dragon sim:slow={given}")
    await one.rule("task/slow", seconds=given)
    rule = await one.made()
    await one.admin.call("DELETE", "/faults")
    staged = {"name": "one", "description": "One.", "faults": [{"fault": "task/slow", "with": {"seconds": given}}]}
    assert (await one.admin.call("PUT", "/scenario", staged)).status == 200
    scenario = await one.made()
    for task in (header, token, rule, scenario):
        assert (await one.offsets(task))[-1][0] == 90_000


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("task/slow;seconds=soon", "got 'soon'"),
        ("task/slow;seconds=31d", "less than or equal to 2592000"),
        ("http/rate-limited;retry_after=500ms", "valid integer"),
        ("transport/latency;ms=11m", "less than or equal to 600000"),
    ],
)
async def test_what_is_no_span_or_too_long_is_warned_of(stage: House, fault: str, problem: str) -> None:
    answer = await side(stage, "midsync").create(fault)
    assert problem in answer.headers[WARNING]


@pytest.mark.parametrize("fault", ["stream/cut", "stream/stall", "stream/error"])
async def test_a_stream_fault_changes_nothing_in_a_reply_that_is_none(stage: House, fault: str) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": "hello"}]}
    answer = await side(stage, "apikeyorg").call("POST", "/v1/chat/completions", body, fault)
    assert answer.status == 200
    assert (answer.headers.get(APPLIED), answer.headers[WARNING]) == (None, f"{fault} changed nothing here")


async def test_what_stands_behind_a_refusal_is_not_named(stage: House) -> None:
    one = side(stage, "midsync")
    answer = await one.create("http/status;status=503, money/insufficient-credit, task/fail")
    assert answer.status == 503
    assert answer.headers[APPLIED] == "http/status"
    idle = "money/insufficient-credit changed nothing here; task/fail changed nothing here"
    assert answer.headers[WARNING] == idle


@pytest.mark.parametrize(
    ("fault", "parameter", "kind"),
    [
        ("task/slow", "seconds", "number"),
        ("http/rate-limited", "retry_after", "integer"),
        ("callback/twice", "gap_ms", "integer"),
    ],
)
async def test_the_catalogue_shows_a_span_as_the_number_it_is(
    stage: House, fault: str, parameter: str, kind: str
) -> None:
    entries = (await stage.admin().get("/faults/catalogue"))["faults"]
    (shown,) = [one["parameters"][parameter] for one in entries if one["name"] == fault]
    assert kind in {one.get("type") for one in shown.get("anyOf", [shown])}


async def raw_create(stage: House, header: bytes) -> tuple[int, str, str]:
    """Return status, named faults and warning of a create call whose header is sent as it is."""
    path, body = CREATE["midsync"]
    sent = request("POST", f"/midsync{path}", body, Connection="close")
    came = await atalk(stage.url, sent.replace(b"\r\n", b"\r\nX-Soundstage-Fault: " + header + b"\r\n", 1))
    head = came.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    told = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    return int(head.split(" ", 2)[1]), told.get(APPLIED, ""), told.get(WARNING, "")


@pytest.mark.parametrize(
    "text", [b"," * 1_999, b", ,,  ,", b",task/fail,,", b"task/fail", b"task/fail, task/fail;at=start"]
)
async def test_an_empty_part_is_skipped_and_a_fault_named_twice_acts_once(stage: House, text: bytes) -> None:
    named = "task/fail" if b"fail" in text else ""
    assert await raw_create(stage, text) == (200, named, "")
    assert not named or await listed(side(stage, "midsync")) == [named]


async def test_at_most_twenty_faults_are_read_from_all_lines_and_the_warning_is_short(stage: House) -> None:
    many = ", ".join(f"no/such-{number}" for number in range(60)).encode()
    status, named, warning = await raw_create(stage, many + b"\r\nX-Soundstage-Fault: task/fail")
    assert (status, named) == (200, "")
    assert warning.startswith("there is no fault 'no/such-0'; soundstage faults lists them; ")
    assert warning.endswith(" more")
    assert len(warning) <= 1024
    status, named, _ = await raw_create(stage, b"task/slow\r\nX-Soundstage-Fault: task/fail")
    assert (status, named) == (200, "task/slow, task/fail")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("task/fial", "there is no fault 'task/fial'; did you mean task/fail?"),
        ("tusk/never-ends", "there is no fault 'tusk/never-ends'; did you mean task/never-ends?"),
        ("rest", "there is no fault 'rest'; did you mean transport/reset?"),
        ("nothing/like-it", "there is no fault 'nothing/like-it'; soundstage faults lists them"),
        ("slow", "there is more than one fault 'slow': files/slow, task/slow"),
    ],
)
async def test_a_name_that_is_none_is_told_with_the_nearest_one(stage: House, name: str, told: str) -> None:
    answer = await side(stage, "midsync").create(name)
    assert (answer.status, answer.headers[WARNING]) == (200, told)


async def test_the_last_part_of_a_name_is_enough_where_no_other_has_it(stage: House) -> None:
    answer = await side(stage, "midsync").create("overcharge;factor=3, fail;at=start")
    assert (answer.headers[APPLIED], answer.headers.get(WARNING)) == ("money/overcharge, task/fail", None)


@pytest.mark.parametrize(
    "header",
    [
        b"http/unknown-field;value=\xff",
        b'http/unknown-field;value="\xed\xa0\x80"',
        b"http/unknown-field;name=\xff",
        b"http/status;message=\xff",
        b"task/fail;reason=\xff",
        b"task/unknown-status;word=\xff",
        b"http/missing-field;field=\xff",
        b"\xff",
        b"task/fail;\xff=1",
    ],
)
async def test_a_parameter_that_is_no_text_is_warned_of(stage: House, header: bytes) -> None:
    status, named, warning = await raw_create(stage, header)
    assert (status, named) == (200, "")
    assert warning


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [1, {"a": -float("inf")}], "\ud800", 10**30, b"", {1: 2}]
)
def test_a_parameter_is_json_whoever_gives_it(value: Any) -> None:
    with pytest.raises(ValueError, match="value must be JSON, its texts Unicode and its numbers finite"):
        Faults().checked("http/unknown-field", {"value": value}, "a test")


def test_every_fault_asked_for_by_header_survives_what_numbers_can_be() -> None:
    for name, kind in Faults().items():
        for field, parameter in kind.model_fields.items():
            for value in ("1e400", "-1e400", "NaN", "1e-320", "9" * 40, "-0", "null", "[]", "{}", '"\\ud800"'):
                found, problems = by_header(Faults(), f"{name};{parameter.alias or field}={value}")
                assert len(found) + len(problems) == 1
