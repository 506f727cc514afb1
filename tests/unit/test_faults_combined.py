"""Whatever faults about tasks and money a header combines, the call is answered and the books balance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from soundstage.core.bent import bent_of
from soundstage.core.call import Call, Reply
from soundstage.core.invariants import violations
from soundstage.core.money import MICROS
from soundstage.core.rules import Aim, Book, Rule, put_book
from soundstage.core.task import Order, Task
from soundstage.core.timeline import TERMINAL, Point
from soundstage.core.universe import find_key, open_key, open_universe
from soundstage.core.view import Tx
from soundstage.edge.steering import asked_by
from soundstage.faults import Faults
from support.faulty import CALLBACK_URL, CREATE, PROVIDERS
from unit.stage import Stage, as_bytes
from unit.test_faults_properties import api_key

FAULTS = Faults()
HOOK = "http://127.0.0.1:9/hook"
SECONDS = st.sampled_from(["0.0001", "0", "0.5", "90s", "30d", "2592000"])
PARAMS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "task/fail": {
        "at": st.sampled_from(["start", "middle", "99", "end"]),
        "reason": st.sampled_from(["null", '""', "x"]),
    },
    "task/slow": {"seconds": SECONDS, "factor": st.sampled_from(["1", "1.0001", "1000"])},
    "task/unknown-status": {"while": st.sampled_from(["running", "end"]), "word": st.just("X")},
    "task/progress-back": {"by": st.integers(1, 50)},
    "task/moderation": {"reason": st.just("no")},
    "money/quote-wrong": {"factor": st.sampled_from(["0", "1000"])},
    "money/overcharge": {"factor": st.sampled_from(["1.0001", "1000"])},
    "money/price-change": {"factor": st.sampled_from(["0.0000001", "0.5", "1000"])},
    "money/charged-though-failed": {"reason": st.just("no")},
    "money/refund-late": {"seconds": SECONDS, "reason": st.just("no")},
    "money/refund-twice": {"reason": st.just("no")},
}
NAMES = [name for name in FAULTS if name.partition("/")[0] in {"task", "money"}] + ["callback/before-answer"]


def asked(name: str) -> st.SearchStrategy[str]:
    """Return a fault as a header names it, with any of its parameters or none."""
    some = st.fixed_dictionaries({}, optional=dict(PARAMS.get(name, {})))
    return some.map(lambda params: ";".join([name, *(f"{key}={value}" for key, value in params.items())]))


HEADER = st.lists(st.sampled_from(NAMES), min_size=2, max_size=5).flatmap(
    lambda names: st.tuples(*map(asked, names)).map(", ".join)
)


class Calls:
    """One universe with an account at every provider, and calls as the edge makes them."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.stage.do(self.enter)

    def enter(self, tx: Tx) -> None:
        if find_key(tx, PROVIDERS[0]) is None:
            open_universe(tx, self.stage.world.opening)
            for provider in PROVIDERS:
                open_key(tx, api_key(provider, 5_000 * MICROS))

    def make(self, provider: str, method: str, path: str, body: Any, fault: str, **params: str) -> Reply:
        """Make a call with this header; its reply can be written down."""
        offered = self.stage.world.providers[provider]
        operation = next(one for one in offered.operations if (one.method, one.path) == (method, path))
        headers = CIMultiDictProxy(CIMultiDict({"X-Soundstage-Fault": fault} if fault else {}))

        def step(tx: Tx) -> Reply:
            key = find_key(tx, provider)
            assert key is not None
            call = Call(method, path, params, {}, headers, body, key, self.stage.base_url)
            wanted = asked_by(headers, b"", call, operation, offered, FAULTS)
            reply = self.stage.world.bender.run(call, tx, operation, offered, wanted.faults)
            return wanted.warned(reply)

        reply = self.stage.do(step)
        assert as_bytes(reply)
        return reply

    def create(self, provider: str, fault: str, hook: bool) -> Reply:
        path, given_ = CREATE[provider]
        body = dict(given_) | ({CALLBACK_URL[provider]: HOOK} if hook and provider in CALLBACK_URL else {})
        params = {"scope": "videos"} if provider == "v2gateway" else {}
        offered = {"v2gateway": "/v2/{scope}/generations"}.get(provider, path)
        return self.make(provider, "POST", offered, body, fault, **params)

    def poll(self, task: Task) -> Reply:
        provider = self.stage.world.providers[task.provider]
        path = next(one.path for one in provider.operations if one.role == "poll")
        params = {provider.shape.poll_id: task.id, "scope": "videos"}
        return self.make(task.provider, "GET", path, None, "", **params)

    def sound(self) -> None:
        assert self.stage.do(violations) == []
        for task in self.stage.rows("task"):
            points = task.timeline
            assert points[0].offset_ms == 0
            assert points[0].state not in TERMINAL
            assert [point.offset_ms for point in points] == sorted(point.offset_ms for point in points)
            assert not any(point.state in TERMINAL for point in points[:-1])
            assert self.poll(task).status == 200


@given(provider=st.sampled_from(PROVIDERS), headers=st.lists(HEADER, min_size=1, max_size=3), hook=st.booleans())
@example(
    provider="midsync",
    headers=["task/never-ends, task/no-reason, task/slow;seconds=0.0001, task/stuck-waiting"],
    hook=False,
)
@settings(max_examples=250, deadline=None)
def test_any_combination_of_faults_is_answered_and_the_books_balance(
    provider: str, headers: list[str], hook: bool
) -> None:
    calls = Calls()
    for header in headers:
        assert calls.create(provider, header, hook).status in {200, 402, 429}
        calls.sound()
        for milliseconds in (1, 5_000, 120_000):
            calls.stage.forward(milliseconds)
            calls.sound()
    calls.stage.forward(400 * 86_400_000)
    calls.sound()
    for task in calls.stage.rows("task"):
        assert task.state(calls.stage.now()) in TERMINAL or task.ends_at is None


ENDS = st.builds(Point, st.integers(-5, 50), st.sampled_from(["waiting", "running", "failed", "succeeded"]), st.just(3))


@given(course=st.lists(ENDS, max_size=6).map(tuple), share=st.sampled_from([0, 0.5, 1]))
def test_whatever_a_course_is_made_of_it_begins_at_the_start_and_ends_once(course: Any, share: float) -> None:
    order = Order("midsync", "o", "video", "m", b"{}", 0, 0, 40, course=course)
    for points in (order.timeline, order.failing(None, share).timeline):
        assert points[0].offset_ms == 0
        assert points[0].state not in TERMINAL
        assert list(points) == sorted(points, key=lambda point: point.offset_ms)
        assert not any(point.state in TERMINAL for point in points[:-1])


@pytest.mark.parametrize("queued", [False, True])
def test_a_fault_that_leaves_nothing_of_a_course_leaves_a_task_that_waits(queued: bool) -> None:
    calls = Calls()
    empty = calls.stage.world.bender.library.at_work(FAULTS.checked("task/never-ends", {}, ""))
    kind = type(empty)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "order", lambda self, scene, order: order._replace(course=()))
        for _ in range(8 if queued else 1):
            calls.create("revidapi", "task/never-ends", hook=False)
    calls.stage.forward(86_400_000)
    calls.sound()
    task = calls.stage.rows("task")[-1]
    assert task.state(calls.stage.now()) == "waiting"
    bent = calls.stage.do(lambda tx: bent_of(tx, task.id))
    assert bent is not None
    assert bent.timeline == (Point(0, "waiting", 0),)


def test_two_hundred_rules_that_stretch_a_task_leave_it_an_end_a_clock_can_show() -> None:
    calls = Calls()
    rules = tuple(Rule(f"r{number}", "task/slow", b'{"factor":1000}', Aim(), "r") for number in range(200))
    calls.stage.do(lambda tx: put_book(tx, Book(rules=rules)))
    assert calls.create("midsync", "task/progress-back", hook=False).status == 200
    calls.sound()
    (task,) = calls.stage.rows("task")
    assert task.ends_at - task.created_at == 365 * 86_400_000
    assert json.loads(task.request)


@pytest.mark.parametrize(
    ("header", "ends", "state"),
    [
        ("callback/before-answer, task/progress-back", 0, "succeeded"),
        ("callback/before-answer, task/never-ends", 0, "succeeded"),
        ("task/fail;at=start, callback/before-answer, task/stuck-waiting", 0, "failed"),
        ("task/slow;seconds=0.0001, task/no-reason", 1, "failed"),
        ("task/never-ends, task/stuck-waiting", None, "running"),
        ("task/never-ends, task/slow;seconds=0.0001, task/no-reason, task/stuck-waiting", None, "running"),
        ("task/stuck-waiting, task/never-ends", None, "waiting"),
    ],
)
def test_the_strongest_fault_has_the_last_word_about_a_course(header: str, ends: int | None, state: str) -> None:
    calls = Calls()
    calls.create("midsync", header, hook=True)
    (task,) = calls.stage.rows("task")
    assert task.ends_at == (None if ends is None else task.created_at + ends)
    calls.stage.forward(86_400_000)
    assert task.state(calls.stage.now()) == state
    calls.sound()
