"""Any mix of jobs under any limits: never more at once than allowed, in line by kind, nobody waits beside a free place.

R-REV-200, 204, 205, 227. The engine is held against a crowd simulated in the plainest way, and against its own books.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from soundstage.core import ending
from soundstage.core import task as tasks
from soundstage.core.invariants import violations
from soundstage.core.money import MICROS
from soundstage.core.slots import SlotLimits, place_for, slots_of
from soundstage.core.task import Order, Task
from soundstage.core.timeline import TERMINAL, State
from soundstage.core.universe import open_key
from soundstage.core.view import Tx
from soundstage.core.wallet import charged, the_wallet
from unit.stage import Stage, a_key, finish

# Sounds have no limit of their own, so the total's is theirs.
KINDS = ("image", "video", "sound")
ACCOUNTS = ("k", "other")
CREDITS = 10_000 * MICROS
ENDED_BY = {"complete": "succeeded", "fail": "failed"}
LIMITS = st.builds(
    lambda total, image, video, queue: SlotLimits(total, (("image", image), ("video", video)), queue),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 4),
)
SPANS = st.tuples(st.integers(0, 2_000), st.integers(0, 9_000))


@dataclass
class Job:
    """One job of the plain crowd: when it got its place, when its end is due, and how it ended."""

    id: str
    order: Order
    start: int | None = None
    due: tuple[int, int] | None = None
    outcome: State = "succeeded"
    end: int | None = None
    stuck: State | None = None
    paid: bool = False

    def state(self, now: int) -> State:
        """Return what the job is now."""
        if self.end is not None:
            return self.outcome
        if self.stuck is not None or self.start is None:
            return self.stuck or "waiting"
        return "waiting" if now < self.start + self.order.delay_ms else "running"


@dataclass
class Crowd:
    """The jobs of one account, simulated event by event."""

    limits: SlotLimits
    running: list[Job] = field(default_factory=list)
    line: list[Job] = field(default_factory=list)

    def fits(self, kind: str) -> bool:
        """Tell whether a job of this kind finds a free place."""
        same = [job for job in self.running if job.order.slot == kind]
        return len(self.running) < self.limits.total and len(same) < self.limits.of(kind)

    def finish(self, job: Job, now: int) -> list[Job]:
        """End a job and return those that get a place for it."""
        job.end, job.due = now, None
        if job in self.line:
            self.line.remove(job)
        if job not in self.running:
            return []
        self.running.remove(job)
        starting = []
        for waiting in list(self.line):
            if self.fits(str(waiting.order.slot)):
                self.line.remove(waiting)
                self.running.append(waiting)
                starting.append(waiting)
        return starting


class AnyCrowd(RuleBasedStateMachine):
    """Two accounts in one universe, each beside its plain crowd."""

    @initialize(limits=LIMITS)
    def open(self, limits: SlotLimits) -> None:
        self.limits = limits
        self.stage = Stage(credits=CREDITS)
        self.stage.do(self.stage.enter)
        self.keys = {account: a_key(account, wallet=account, credits_=CREDITS) for account in ACCOUNTS}
        self.stage.do(lambda tx: open_key(tx, self.keys["other"]))
        self.crowds = {account: Crowd(limits) for account in ACCOUNTS}
        self.jobs: dict[str, tuple[str, Job]] = {}
        self.serial = 0
        self.time = self.stage.now()

    @rule(
        account=st.sampled_from(ACCOUNTS),
        kind=st.sampled_from(KINDS),
        price=st.integers(0, 9),
        spans=SPANS,
        outcome=st.sampled_from(["succeeded", "succeeded", "failed"]),
    )
    def create(self, account: str, kind: str, price: int, spans: tuple[int, int], outcome: Any) -> None:
        self._settle()
        job = Job(f"job_{len(self.jobs)}", an_order(kind, spans, self.limits, price, outcome), outcome=outcome)
        crowd = self.crowds[account]
        expected = "slot" if crowd.fits(kind) else "queue" if len(crowd.line) < self.limits.queue else None
        assert self.stage.do(lambda tx: place_for(tx, account, kind, self.limits)) == expected
        if expected is None:
            self._refused(account, job)
            return
        made = self.stage.do(lambda tx: tasks.create(tx, self.keys[account], job.order, job.id))
        assert made.queued == (expected == "queue")
        self.jobs[job.id] = account, job
        if expected == "queue":
            crowd.line.append(job)
        else:
            crowd.running.append(job)
            self._start(job, self.time)

    @rule(milliseconds=st.one_of(st.integers(0, 500), st.integers(0, 30_000)))
    def advance(self, milliseconds: int) -> None:
        self.stage.forward(milliseconds)
        self.time += milliseconds

    @precondition(lambda self: self.jobs)
    @rule(pick=st.integers(0, 30))
    def cancel(self, pick: int) -> None:
        self._settle()
        job = list(self.jobs.values())[pick % len(self.jobs)][1]
        state = job.state(self.time)
        if state in TERMINAL:
            with pytest.raises(ValueError, match="already ended"):
                self.stage.do(lambda tx: ending.cancel(tx, self._task(tx, job)))
            return
        self.stage.do(lambda tx: ending.cancel(tx, self._task(tx, job)))
        job.paid = state == "running"
        self._end_now(job, "cancelled")

    @precondition(lambda self: self.jobs)
    @rule(pick=st.integers(0, 30), verb=st.sampled_from(["complete", "fail", "stall"]))
    def redirect(self, pick: int, verb: Any) -> None:
        self._settle()
        account, job = list(self.jobs.values())[pick % len(self.jobs)]
        if job.state(self.time) in TERMINAL:
            return
        finish(self.stage.world.redirect(self.stage.universe, job.id, verb, None))
        if verb != "stall":
            self._end_now(job, ENDED_BY[verb])
            return
        job.stuck, job.due = job.state(self.time), None
        # Who is stuck in line lets the others pass; who is stuck in a place keeps it.
        if job in self.crowds[account].line:
            self.crowds[account].line.remove(job)

    def _refused(self, account: str, job: Job) -> None:
        """Assert that a job without a place leaves everything as it was."""
        before = self._rows()
        with pytest.raises(ValueError, match="no place in line"):
            self.stage.do(lambda tx: tasks.create(tx, self.keys[account], job.order, job.id))
        assert self._rows() == before

    @invariant()
    def every_job_stands_where_the_plain_crowd_says(self) -> None:
        self._settle()
        found = {task.id: task for task in self.stage.rows("task")}
        assert found.keys() == self.jobs.keys()
        for account, job in self.jobs.values():
            task: Task = found[job.id]
            assert task.state(self.time) == job.state(self.time)
            assert task.queued == (job in self.crowds[account].line)
            assert (task.slot is not None) == (job in chain(self.crowds[account].line, self.crowds[account].running))
            if job.end is not None:
                assert task.ends_at == job.end
            pays = job.paid if job.outcome == "cancelled" else job.state(self.time) not in {"failed", "cancelled"}
            assert charged(task.movements) == (job.order.price if pays else 0)

    @invariant()
    def nobody_waits_beside_a_free_place_and_the_line_is_never_too_long(self) -> None:
        for account in ACCOUNTS:
            slots = self.stage.do(partial(slots_of, account=account))
            assert slots.held() <= self.limits.total
            assert all(slots.held(kind) <= self.limits.of(kind) for kind in KINDS)
            assert len(slots.waiting) <= self.limits.queue
            assert not [one for one in slots.waiting if slots.free_for(one.kind, one.limits)]
            assert [one.task_id for one in slots.waiting] == [job.id for job in self.crowds[account].line]

    @invariant()
    def the_books_balance(self) -> None:
        assert self.stage.do(violations) == []
        for account in ACCOUNTS:
            wallet = self.stage.do(partial(the_wallet, wallet_id=account))
            mine = [task for task in self.stage.rows("task") if task.wallet == account]
            assert wallet.available == CREDITS - sum(charged(task.movements) for task in mine)

    def _settle(self) -> None:
        """Let everything end in the plain crowds that is due by now, one by one."""
        while True:
            due = [
                (job.due, account, job) for account, job in self.jobs.values() if job.due and job.due[0] <= self.time
            ]
            if not due:
                return
            instant, account, job = min(due, key=lambda one: one[0])
            for waiting in self.crowds[account].finish(job, instant[0]):
                self._start(waiting, instant[0])
            self._within_limits(self.crowds[account])

    def _within_limits(self, crowd: Crowd) -> None:
        kinds = Counter(str(job.order.slot) for job in crowd.running)
        assert len(crowd.running) <= self.limits.total
        assert all(count <= self.limits.of(kind) for kind, count in kinds.items())

    def _start(self, job: Job, now: int) -> None:
        job.start = now
        self.serial += 1
        job.due = (now + job.order.delay_ms + job.order.run_ms, self.serial)

    def _end_now(self, job: Job, outcome: Any) -> None:
        self.serial += 1
        job.outcome, job.due = outcome, (self.time, self.serial)

    def _task(self, tx: Tx, job: Job) -> Task:
        found: Task = tx.get("task", job.id)
        return found

    def _rows(self) -> list[Any]:
        return [self.stage.rows(table) for table in ("task", "event", "wallet", "entry", "slots")]


AnyCrowd.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyCrowd = AnyCrowd.TestCase


def an_order(
    kind: str, spans: tuple[int, int], limits: SlotLimits, price: int = 1, outcome: State = "succeeded"
) -> Order:
    """Return an order that needs a slot."""
    return Order(
        "midsync", "o", kind, "runway", b"{}", price * MICROS, *spans, outcome=outcome, slot=kind, limits=limits
    )


@settings(max_examples=100, deadline=None)
@given(limits=LIMITS, mix=st.lists(st.tuples(st.sampled_from(KINDS), SPANS), max_size=12), step=st.integers(1, 4_000))
def test_how_far_the_clock_jumps_changes_nothing(
    limits: SlotLimits, mix: list[tuple[str, tuple[int, int]]], step: int
) -> None:
    """Every job ends at the same instant whether the clock goes there in one jump or in many."""

    def ends(jump: int) -> list[int | None]:
        stage = Stage(credits=CREDITS)
        key = stage.do(stage.enter)
        for number, (kind, spans) in enumerate(mix):
            if stage.do(partial(place_for, account="k", kind=kind, limits=limits)) is not None:
                order = an_order(kind, spans, limits)
                stage.do(partial(tasks.create, key=key, order=order, task_id=f"job_{number}"))
        for _ in range(-(-150_000 // jump)):
            stage.forward(jump)
        return [task.ends_at for task in stage.rows("task")]

    many = ends(step * 10)
    assert many == ends(150_000)
    assert None not in many


def test_limits_that_shrink_stop_nobody_who_runs_and_let_nobody_in_until_there_is_room() -> None:
    wide, narrow = SlotLimits(3, (), 3), SlotLimits(1, (), 3)
    stage = Stage(credits=CREDITS)
    key = stage.do(stage.enter)
    for number in range(3):
        order = an_order("image", (0, 1_000 * (number + 1)), wide)
        stage.do(partial(tasks.create, key=key, order=order, task_id=f"job_{number}"))
    waiting = an_order("image", (0, 1_000), narrow)
    assert stage.do(lambda tx: tasks.create(tx, key, waiting, "late")).queued
    for passed, held in ((0, 3), (1_000, 2), (1_000, 1)):
        stage.forward(passed)
        slots = stage.do(lambda tx: slots_of(tx, "k"))
        assert (slots.held(), len(slots.waiting)) == (held, 1)
    stage.forward(1_000)
    assert stage.rows("task")[-1].ends_at == stage.now() + 1_000
    assert stage.do(violations) == []


def test_a_key_with_wider_limits_does_not_overtake_its_account_s_line() -> None:
    """Keys of one account may have different plans: each job waits by its own key's limits, in the order they came."""
    narrow, wide = SlotLimits(1, (), 3), SlotLimits(5, (("image", 3),), 3)
    stage = Stage(credits=CREDITS)
    key = stage.do(stage.enter)
    for number, limits in enumerate((narrow, narrow, wide)):
        order = an_order("image", (0, 1_000), limits)
        stage.do(partial(tasks.create, key=key, order=order, task_id=f"job_{number}"))
    assert [task.queued for task in stage.rows("task")] == [False, True, True]
    video = an_order("video", (0, 1_000), wide)
    assert not stage.do(lambda tx: tasks.create(tx, key, video, "other")).queued
    stage.forward(1_000)
    assert [task.queued for task in stage.rows("task")] == [False, False, False, False]
    assert stage.do(violations) == []
