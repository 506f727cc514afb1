"""The client lint: for each rule a client that breaks it and ones that do not, told from their calls alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from soundstage.core.call import NO_HEADERS
from soundstage.core.journal import BODY_LIMIT, Exchange
from soundstage.core.lint import RULES, Finding, lint
from soundstage.core.talk import Talk
from soundstage.providers import Providers
from soundstage.validation import WireModel, ignored

PROVIDER = replace(Providers()["revidapi"], poll_seconds=3.0)
CREATE = ("POST", "/revidapi/v1/video/generate", "generateVideo")
POLL = ("GET", "/revidapi/v1/jobs/job_1", "getJob")
OTHER = ("GET", "/revidapi/v1/jobs/job_2", "getJob")
BALANCE = ("GET", "/revidapi/v1/balance", "getBalance")
RUNNING = {"job_id": "job_1", "status": "processing"}
DONE = {"job_id": "job_1", "status": "completed", "result": "https://x/y"}
Call = tuple[str, str, str]


class Tape:
    """What a client did, call by call; its waits are the machine's, and the universe's unless its clock stands."""

    def __init__(self, *, clock_stands: bool = False) -> None:
        self.calls: list[Exchange] = []
        self.wall, self.at, self.clock_stands = 1_000_000, 5_000_000, clock_stands

    def wait(self, seconds: float) -> Tape:
        self.wall += int(seconds * 1000)
        self.at += 0 if self.clock_stands else int(seconds * 1000)
        return self

    def advance(self, seconds: float) -> Tape:
        self.at += int(seconds * 1000)
        return self

    def call(
        self,
        call: Call,
        status: int = 200,
        reply: Any = RUNNING,
        *,
        body: bytes = b'{"prompt":"a"}',
        key: str = "k",
        query: str = "",
        told: Mapping[str, str] = NO_HEADERS,
        **headers: str,
    ) -> Tape:
        told = {**told, **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        sent = {"Authorization": f"Bearer {key}", "X-Try": str(len(self.calls))}
        method, target, operation = call
        number = len(self.calls) + 1
        self.calls.append(
            Exchange(
                number, self.at, "u", "revidapi", operation, method, target + query, sent,
                body if method == "POST" else b"", status, raw, told, self.wall,
            )
        )  # fmt: skip
        return self

    def found(self, *, speed: float = 1.0) -> list[tuple[str, Finding]]:
        talk = Talk(PROVIDER, tuple(self.calls), lambda span: int(span / speed))
        return [(rule.id, one) for rule, one in lint(talk)]

    def rules(self, *, speed: float = 1.0) -> list[str]:
        return [name for name, _ in self.found(speed=speed)]


def test_every_rule_says_what_a_client_should_not_do() -> None:
    assert set(RULES) == {
        "retry-after-ignored", "polled-too-fast", "polled-after-end", "create-retried-blindly", "refused-retried",
        "key-in-query", "dropped-field",
    }  # fmt: skip
    for name, rule in RULES.items():
        assert rule.id == name
        assert rule.says.endswith(".")


def test_a_rule_that_is_ignored_finds_nothing() -> None:
    calls = tuple(Tape().call(CREATE, 400).call(CREATE, 400).calls)
    assert [rule.id for rule, _ in lint(Talk(PROVIDER, calls))] == ["refused-retried"]
    assert lint(Talk(PROVIDER, calls), frozenset({"refused-retried"})) == []


def test_nothing_is_found_where_nothing_was_called() -> None:
    assert Tape().rules() == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", [{"Retry-After": "30"}, {"retry-after-ms": "30000"}, {"RETRY-AFTER": "30.0"}])
def test_a_retry_before_the_wait_that_was_asked_for_is_found(status: int, header: dict[str, str]) -> None:
    tape = Tape().call(CREATE, status, told=header).wait(2).call(CREATE, status, told=header).wait(31).call(CREATE)
    ((name, one),) = tape.found()
    assert (name, one.level, one.requests) == ("retry-after-ignored", "warning", (1, 2))
    assert "30 s were asked for, 2 s passed" in one.message


def test_milliseconds_are_asked_before_seconds() -> None:
    tape = Tape().call(CREATE, 429, Retry_After="1", Retry_After_Ms="200").wait(0.2).call(CREATE)
    assert tape.rules() == []


@pytest.mark.parametrize(
    "tape",
    [
        Tape().call(CREATE, 429, Retry_After="30").wait(30).call(CREATE),
        Tape().call(CREATE, 429, Retry_After="30").wait(29).call(CREATE),
        Tape().call(CREATE, 429, Retry_After="30").call(CREATE, body=b"another"),
        Tape().call(CREATE, 429, Retry_After="30").call(CREATE, key="another"),
        Tape().call(CREATE, 429).call(CREATE),
        Tape().call(CREATE, 429, Retry_After="soon").call(CREATE),
        Tape().call(CREATE, 200, Retry_After="30").call(CREATE),
        Tape(clock_stands=True).call(CREATE, 429, Retry_After="30").advance(30).call(CREATE),
        Tape(clock_stands=True).call(CREATE, 429, Retry_After="30").wait(30).call(CREATE),
    ],
)
def test_a_client_that_waits_as_asked_is_not_blamed(tape: Tape) -> None:
    assert tape.rules() == []


def test_polls_closer_than_documented_are_found_once_for_each_task() -> None:
    tape = Tape().call(POLL).call(OTHER).wait(1).call(POLL).call(OTHER).wait(0.5).call(POLL).wait(3).call(OTHER)
    found = tape.found()
    assert [(name, one.task_id, one.requests) for name, one in found] == [
        ("polled-too-fast", "job_1", (1, 3, 5)), ("polled-too-fast", "job_2", (2, 4)),
    ]  # fmt: skip
    assert "2 times: at least 3 s lie between two polls here, the shortest wait was 0.5 s" in found[0][1].message


def test_a_scaled_clock_shortens_the_documented_interval() -> None:
    tape = Tape().call(POLL).wait(0.3).call(POLL).wait(0.29).call(POLL)
    assert tape.rules(speed=10) == []
    assert tape.rules() == ["polled-too-fast"]
    assert Tape().call(POLL).wait(0.1).call(POLL).rules(speed=10) == ["polled-too-fast"]


@pytest.mark.parametrize(
    "tape",
    [
        Tape().call(POLL).wait(3).call(POLL).wait(10).call(POLL),
        Tape().call(POLL).call(OTHER),
        Tape().call(POLL, 503).call(POLL),
        Tape().call(POLL, 0, b"").call(POLL),
        Tape(clock_stands=True).call(POLL).advance(3).call(POLL),
    ],
)
def test_polls_as_far_apart_as_documented_are_fine(tape: Tape) -> None:
    assert tape.rules() == []


def test_no_interval_is_demanded_where_none_is_documented() -> None:
    calls = tuple(Tape().call(POLL).call(POLL).calls)
    assert lint(Talk(replace(PROVIDER, poll_seconds=None), calls)) == []


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled", "failed "])
def test_polls_after_a_reply_that_showed_the_end_are_found(state: str) -> None:
    end = {"status": state}
    tape = Tape().call(POLL).wait(5).call(POLL, 200, end).wait(5).call(POLL, 200, end)
    ((name, one),) = tape.found()
    assert (name, one.level, one.requests, one.task_id) == ("polled-after-end", "info", (2, 3), "job_1")
    ((_, one),) = tape.call(POLL, 200, end).found()
    assert (one.level, one.requests) == ("warning", (2, 3, 4))


@pytest.mark.parametrize(
    "tape",
    [
        Tape().call(POLL).wait(5).call(POLL, 200, DONE).call(OTHER),
        Tape().call(POLL, 200, {"status": "aborted"}).wait(5).call(POLL),
        Tape().call(POLL, 200, [DONE]).wait(5).call(POLL),
        Tape().call(POLL, 200, {"status": ["completed"]}).wait(5).call(POLL),
        Tape().call(POLL, 500, DONE).wait(5).call(POLL),
        Tape().call(POLL, 0, DONE).wait(5).call(POLL),
    ],
)
def test_a_client_that_was_not_shown_the_end_may_go_on(tape: Tape) -> None:
    assert tape.rules() == []


@pytest.mark.parametrize(
    ("status", "reply"),
    [(0, b""), (500, {}), (502, b"<html>"), (503, {}), (504, {}), (408, {}), (200, b'{"job_id": "j')],
)
def test_a_create_repeated_after_a_lost_answer_is_found(status: int, reply: Any) -> None:
    tape = Tape().call(CREATE, status, reply).wait(9).call(POLL).call(CREATE)
    ((name, one),) = tape.found()
    assert (name, one.level, one.requests) == ("create-retried-blindly", "error", (1, 3))
    assert "paid twice" in one.message


def test_all_blind_tries_of_one_create_are_one_finding() -> None:
    ((_, one),) = Tape().call(CREATE, 0, b"").call(CREATE, 502).call(CREATE).found()
    assert one.requests == (1, 2, 3)
    assert "got no answer and was sent again unchanged, 2 times" in one.message


@pytest.mark.parametrize(
    "tape",
    [
        Tape().call(CREATE, 0, b"").call(BALANCE).call(CREATE),
        Tape().call(CREATE, 0, b"").call(CREATE, body=b"another"),
        Tape().call(CREATE, 0, b"").call(CREATE, key="another"),
        Tape().call(CREATE, 503, Retry_After="2").wait(2).call(CREATE),
        Tape().call(CREATE, 429).call(CREATE),
        Tape().call(CREATE).call(CREATE),
        Tape().call(CREATE, 200, b"{" * BODY_LIMIT).call(CREATE),
        Tape().call(POLL, 0, b"").call(POLL),
    ],
)
def test_a_client_that_looks_or_is_told_to_come_again_is_not_blind(tape: Tape) -> None:
    assert tape.rules() == []


def test_a_read_that_failed_or_came_too_late_tells_nothing() -> None:
    assert Tape().call(CREATE, 0, b"").call(BALANCE, 500).call(CREATE).rules() == ["create-retried-blindly"]
    assert Tape().call(BALANCE).call(CREATE, 0, b"").call(CREATE).call(BALANCE).rules() == ["create-retried-blindly"]


@pytest.mark.parametrize("status", [400, 405, 413, 415, 422])
def test_a_refused_call_repeated_unchanged_is_found(status: int) -> None:
    ((name, one),) = Tape().call(CREATE, status).wait(60).call(CREATE, status).call(CREATE).found()
    assert (name, one.level, one.requests) == ("refused-retried", "warning", (1, 2, 3))
    assert f"refused with {status} and sent again unchanged, 2 times" in one.message


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_refusal_that_may_end_by_itself_counts_when_it_came_again(status: int) -> None:
    assert Tape().call(CREATE, status).call(CREATE, status).rules() == ["refused-retried"]
    assert Tape().call(CREATE, status).call(CREATE).rules() == []


@pytest.mark.parametrize(
    "tape",
    [
        *(Tape().call(CREATE, status).call(CREATE, status) for status in (409, 425, 429)),
        Tape().call(CREATE, 400).call(CREATE, body=b"another"),
        Tape().call(CREATE, 403, Retry_After="1").wait(1).call(CREATE, 403, Retry_After="1"),
        Tape().call(CREATE).call(CREATE, 400),
    ],
)
def test_refusals_that_ask_for_patience_may_be_repeated(tape: Tape) -> None:
    assert tape.rules() == []


@pytest.mark.parametrize("query", ["?api_key=x", "?a=b&API_KEY=x", "?token=x", "?api%5Fkey=x"])
def test_a_key_in_the_query_string_is_found(query: str) -> None:
    ((name, one),) = Tape().call(BALANCE, query=query).wait(1).call(POLL, query=query).found()
    assert (name, one.level, one.requests) == ("key-in-query", "warning", (1, 2))
    assert "x)" not in one.message


def test_a_key_in_a_header_is_where_it_belongs() -> None:
    assert Tape().call(BALANCE, query="?page=2&monkey=3&api_key=").rules() == []


def test_what_the_provider_drops_is_found_once_for_each_warning() -> None:
    told = "ignored fields: duratoin (did you mean duration?)"
    more = "no effect for kling here: seed"
    tape = Tape().call(CREATE, X_Soundstage_Warning=told).call(CREATE, X_Soundstage_Warning=more).call(CREATE)
    found = tape.call(CREATE, body=b"b", told={"x-soundstage-warning": told}).found()
    assert [(name, one.requests) for name, one in found] == [("dropped-field", (1, 4)), ("dropped-field", (2,))]
    assert told in found[0][1].message


def test_a_warning_about_a_fault_is_no_field_that_was_dropped() -> None:
    field = ignored(WireModel, {"surprise": 1})
    fault = "there is no fault 'http/statsu'; did you mean http/status?"
    assert Tape().call(CREATE, X_Soundstage_Warning=fault).rules() == []
    ((name, one),) = Tape().call(CREATE, X_Soundstage_Warning=f"{field}; {fault}").found()
    assert (name, "surprise" in one.message, "statsu" in one.message) == ("dropped-field", True, False)


@pytest.mark.parametrize("reply", [{}, [], {"job_id": None}, {"status": "processing"}])
def test_a_create_repeated_because_its_answer_names_no_task_is_found(reply: Any) -> None:
    ((name, one),) = Tape().call(CREATE, 200, reply).call(CREATE).found()
    assert (name, one.requests) == ("create-retried-blindly", (1, 2))
    assert "without the id of a task" in one.message


def test_the_id_of_a_task_may_be_spelt_as_an_older_create_does() -> None:
    assert Tape().call(CREATE, 200, {"jobId": "job_1"}).call(CREATE).rules() == []


CHAT = ("POST", "/apikeyorg/v1/chat/completions", "createChatCompletion")
STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


def of_a_chat(tape: Tape) -> list[str]:
    calls = tuple(one._replace(provider="apikeyorg") for one in tape.calls)
    return [rule.id for rule, _ in lint(Talk(Providers()["apikeyorg"], calls))]


@pytest.mark.parametrize(
    ("status", "reply", "told"),
    [(0, b"", {}), (502, b"<html>", {}), (200, b'{"id": "chatc', {}), (200, b'data: {"id": 1}\n\n', STREAM)],
)
def test_a_chat_completion_repeated_after_a_lost_answer_is_found(
    status: int, reply: bytes, told: dict[str, str]
) -> None:
    assert of_a_chat(Tape().call(CHAT, status, reply, told=told).call(CHAT)) == ["create-retried-blindly"]


@pytest.mark.parametrize(
    ("reply", "told"), [(b'{"id": "chatcmpl_1"}', {}), (b'data: {"id": 1}\n\ndata: [DONE]\n\n', STREAM)]
)
def test_a_chat_completion_that_was_answered_may_be_asked_for_again(reply: bytes, told: dict[str, str]) -> None:
    assert of_a_chat(Tape().call(CHAT, 200, reply, told=told).call(CHAT)) == []


def test_calls_on_no_documented_path_break_nothing() -> None:
    lost = ("POST", "/revidapi/v1/nowhere", "unmatched")
    assert Tape().call(lost, 500).call(lost, 500).rules() == []
