"""Timelines: a task's state is a function of its plan and the time, and only the future can change."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core import task as tasks
from soundstage.core.clock import MANUAL_START
from soundstage.core.ending import end, redirect
from soundstage.core.task import Order, Task, create
from soundstage.core.timeline import TERMINAL, Point, at, end_of, planned, replaced
from soundstage.core.view import Tx
from soundstage.core.wallet import charged, issue
from unit.stage import Stage, a_key, after, opened

SPANS = st.integers(0, 10**7)
ENDS = st.sampled_from(["succeeded", "failed", "cancelled"])
Outcome = Literal["succeeded", "failed", "cancelled"]
RANK = {"waiting": 0, "running": 1, "succeeded": 2, "failed": 2, "cancelled": 2}


def a_task(tx: Tx, task_id: str = "t", *, price: int = 100, delay: int = 1_000, run: int = 9_000) -> Task:
    return create(tx, a_key(), Order("midsync", "o", "v", "m", b"", price, delay, run), task_id)


@given(SPANS, SPANS, ENDS, st.lists(st.integers(0, 3 * 10**7)))
def test_state_and_progress_never_go_back(delay: int, run: int, outcome: Outcome, times: list[int]) -> None:
    points = [at(planned(delay, run, outcome), time) for time in sorted(times)]
    ranks = [RANK[point.state] for point in points]
    assert ranks == sorted(ranks)
    assert [point.progress for point in points] == sorted(point.progress for point in points)


@given(SPANS, SPANS, ENDS)
def test_a_plan_waits_then_runs_then_ends(delay: int, run: int, outcome: Outcome) -> None:
    timeline = planned(delay, run, outcome)
    assert at(timeline, delay + run).state == outcome
    assert end_of(timeline) == Point(delay + run, outcome, 100 if outcome == "succeeded" else 90)
    assert [point.offset_ms for point in timeline] == sorted(point.offset_ms for point in timeline)
    if delay:
        assert at(timeline, delay - 1) == Point(0, "waiting", 0)
    if run:
        assert at(timeline, delay).state == "running"


def test_progress_comes_in_ten_steps() -> None:
    timeline = planned(100, 1_000, "succeeded")
    assert [at(timeline, 100 + 100 * step).progress for step in range(11)] == list(range(0, 101, 10))


@given(SPANS, SPANS, ENDS, SPANS, SPANS)
def test_replacing_the_future_leaves_the_past(delay: int, run: int, outcome: Outcome, cut: int, look: int) -> None:
    before = planned(delay, run, outcome)
    changed = replaced(before, cut, Point(cut, "failed", 0))
    if look < cut:
        assert at(changed, look) == at(before, look)
    else:
        assert at(changed, look).state == "failed"


@given(SPANS, SPANS, ENDS, st.integers(0, 3 * 10**7))
def test_the_short_way_to_a_state_agrees_with_the_timeline(delay: int, run: int, outcome: Outcome, age: int) -> None:
    task = Task("t", "p", "o", "v", "m", "k", "w", b"", 50, delay, run, outcome, None, ())
    assert task.state(50 + age) == task.point(50 + age).state


@pytest.mark.parametrize(
    ("outcome", "progress", "cost"), [("succeeded", 100, 100), ("failed", 40, 0), ("cancelled", 40, 0)]
)
def test_a_redirected_task_ends_now_with_the_progress_it_had(outcome: Outcome, progress: int, cost: int) -> None:
    tx = opened()
    task = a_task(tx)
    later = after(tx, MANUAL_START + 1_000 + 9_000 * 4 // 10)
    changed = redirect(later, task, outcome, "why")
    assert changed.due is not None
    assert changed.due[0] == later.now
    assert changed.point(later.now) == Point(later.now - MANUAL_START, outcome, progress)
    assert changed.state(MANUAL_START + 1) == "waiting"
    assert [key for key, _ in later.scan("event")] == [changed.due]
    assert charged(end(later, changed).movements) == cost
    assert list(later.scan("event")) == []


def test_a_stalled_task_never_ends_and_can_still_be_completed() -> None:
    tx = opened()
    task = a_task(tx)
    later = after(tx, MANUAL_START + 5_500)
    stalled = redirect(later, task, None)
    assert (stalled.ends_at, stalled.due, list(later.scan("event"))) == (None, None, [])
    assert stalled.point(MANUAL_START + 10**12) == Point(5_500, "running", 50)
    latest = after(later, MANUAL_START + 10**9)
    assert redirect(latest, stalled, "succeeded").state(latest.now) == "succeeded"


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "cancelled", None])
def test_what_has_ended_cannot_be_changed(outcome: Outcome | None) -> None:
    tx = opened()
    task = a_task(tx)
    later = after(tx, MANUAL_START + 10_000)
    with pytest.raises(ValueError, match="task t has already ended as succeeded"):
        redirect(later, task, outcome)
    assert later.writes() == {}


def test_a_task_belongs_to_its_provider_only() -> None:
    tx = opened()
    task = a_task(tx)
    assert tasks.find(tx, "t", "midsync") == task
    assert tasks.find(tx, "t", "another") is None
    assert tasks.find(tx, "unknown", "midsync") is None


def test_beyond_the_most_tasks_the_oldest_finished_one_goes_and_its_cost_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from soundstage.core.invariants import violations

    monkeypatch.setattr(tasks, "MOST_TASKS", 3)
    stage = Stage(credits=1_000)
    stage.do(stage.enter)

    def make(task_id: str, run: int) -> list[str]:
        order = Order("midsync", "o", "v", "m", b'{"images":[],"duration":8}', 100, 0, run)
        stage.do(lambda tx: create(tx, stage.enter(tx), order, task_id))
        assert stage.do(violations) == []
        return [task.id for task in stage.rows("task")]

    make("long", 10**6)
    make("a", 10)
    make("b", 10)
    stage.forward(100)
    assert make("c", 10) == ["long", "b", "c"]
    stage.forward(100)
    assert make("d", 10) == ["long", "c", "d"]
    folded = [entry for entry in stage.rows("entry") if entry.kind == "folded"]
    assert [(entry.wallet, entry.amount) for entry in folded] == [("k", 200)]
    (wallet,) = stage.rows("wallet")
    assert (wallet.issued, wallet.available, wallet.held, wallet.spent) == (1_000, 500, 200, 300)


def test_a_step_that_makes_two_tasks_at_the_limit_drops_one_each_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from soundstage.core.invariants import violations

    monkeypatch.setattr(tasks, "MOST_TASKS", 2)
    tx = opened()
    issue(tx, "w", 0, note="nothing")
    a_task(tx, "a", run=0, delay=0)
    a_task(tx, "b", run=0, delay=0)
    for task_id in ("a", "b"):
        end(tx, tx.get("task", task_id))
    later = after(tx, MANUAL_START + 1)
    a_task(later, "c")
    a_task(later, "d")
    last = after(later, MANUAL_START + 1)
    assert [key for key, _ in last.scan("task")] == ["c", "d"]
    assert violations(last) == []
    assert {"succeeded", "failed", "cancelled"} == TERMINAL
