"""Any history leaves the money right and time running forward: tasks, redirections, top-ups, advances, resets."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from soundstage.core import ending
from soundstage.core import task as tasks
from soundstage.core.invariants import violations
from soundstage.core.money import MICROS
from soundstage.core.task import Order, Task
from soundstage.core.timeline import TERMINAL
from soundstage.core.universe import open_key, start_over
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, charged, covers, issue, the_wallet
from unit.stage import BODIES, Stage, finish

RANK = {"waiting": 0, "running": 1, "succeeded": 2, "failed": 2, "cancelled": 2}
PICK = st.integers(0, 20)
CALLBACK = "http://127.0.0.1:9/hook"


class AnyHistory(RuleBasedStateMachine):
    """One universe, its manual clock, and what was last seen of every task in it."""

    @initialize(credits_=st.sampled_from([500, 40, 5_000]))
    def open(self, credits_: int) -> None:
        self.stage = Stage(credits=credits_ * MICROS)
        self.stage.do(self.stage.enter)
        self.ids: list[str] = []
        self.seen: dict[str, tuple[str, int, Any]] = {}
        self.issued = credits_ * MICROS
        self.time = self.stage.now()
        self.made = 0

    @rule(body=st.sampled_from(BODIES), hook=st.booleans())
    def create_by_request(self, body: dict[str, Any], hook: bool) -> None:
        given = {**body, "callbackUrl": CALLBACK} if hook else dict(body)
        reply = finish(self.stage.call("generateVideo", given))
        assert reply.status in {200, 402}
        if reply.status == 200:
            self.ids.append(reply.body["taskId"])

    @rule(
        price=st.integers(0, 30 * MICROS),
        spans=st.tuples(st.integers(0, 5_000), st.integers(0, 90_000)),
        outcome=st.sampled_from(["succeeded", "failed"]),
    )
    def create_by_order(self, price: int, spans: tuple[int, int], outcome: Any) -> None:
        body = b'{"images":[],"duration":8,"resolution":"720p","generateAudio":false}'
        order = Order("midsync", "o", "video", "runway", body, price, *spans, CALLBACK, outcome)
        self.made += 1
        task_id = f"made_{self.made}"

        def step(tx: Tx) -> bool:
            key = self.stage.enter(tx)
            if not covers(tx, key.wallet, price):
                return False
            tasks.create(tx, key, order, task_id)
            return True

        if self.stage.do(step):
            self.ids.append(task_id)

    @precondition(lambda self: self.ids)
    @rule(pick=PICK)
    def poll(self, pick: int) -> None:
        task_id = self._picked(pick)
        before = self._version()
        shown = self.stage.status(task_id)["status"]
        assert shown == self.stage.status(task_id)["status"]
        assert self._version() == before, "asking moved something"

    @rule(milliseconds=st.one_of(st.integers(0, 3_000), st.integers(0, 200_000)))
    def advance(self, milliseconds: int) -> None:
        self.stage.forward(milliseconds)

    @precondition(lambda self: self.ids)
    @rule(pick=PICK, verb=st.sampled_from(["complete", "fail", "stall"]))
    def redirect(self, pick: int, verb: Any) -> None:
        task_id = self._picked(pick)
        ended = self._task(task_id).state(self.stage.now()) in TERMINAL
        try:
            finish(self.stage.world.redirect(self.stage.universe, task_id, verb, "because"))
        except ValueError:
            assert ended
        else:
            assert not ended, "what had ended was changed"

    @precondition(lambda self: self.ids)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        task_id = self._picked(pick)

        def step(tx: Tx) -> None:
            found = tasks.find(tx, task_id, "midsync")
            if found is not None and found.state(tx.now) not in TERMINAL:
                ending.redirect(tx, found, "cancelled")

        self.stage.do(step)

    @rule(amount=st.integers(-60 * MICROS, 60 * MICROS))
    def top_up(self, amount: int) -> None:
        available = self.stage.do(lambda tx: the_wallet(tx, "k").available)
        try:
            self.stage.do(lambda tx: issue(tx, "k", amount, note="top-up"))
        except LedgerError:
            assert available + amount < 0
        else:
            assert available + amount >= 0
            self.issued += amount

    @precondition(lambda self: len(self.ids) > 4)
    @rule()
    def reset(self) -> None:
        def step(tx: Tx) -> int:
            found = start_over(tx)
            for key in found:
                open_key(tx, key)
            return sum(key.credits for key in found)

        self.issued = self.stage.do(step)
        self.seen.clear()
        assert finish(self.stage.call("getVideoStatus", params={"taskId": self.ids[-1]})).status == 404
        self.ids.clear()

    def _picked(self, pick: int) -> str:
        return self.ids[pick % len(self.ids)]

    def _version(self) -> int:
        view = self.stage.world.store.peek(self.stage.universe)
        assert view is not None
        return view.version

    def _task(self, task_id: str) -> Task:
        found: Task | None = self.stage.do(lambda tx: tx.get("task", task_id))
        assert found is not None
        return found

    @invariant()
    def no_invariant_is_violated(self) -> None:
        self.stage.do(lambda tx: None)
        assert self.stage.do(violations) == []

    @invariant()
    def time_goes_forward(self) -> None:
        now = self.stage.now()
        assert now >= self.time
        self.time = now

    @invariant()
    def the_balance_is_what_was_issued_less_what_tasks_were_charged(self) -> None:
        wallet = self.stage.do(lambda tx: the_wallet(tx, "k"))
        cost = sum(charged(task.movements) for task in self.stage.rows("task"))
        assert wallet.available == self.issued - cost
        assert wallet.issued == self.issued

    @invariant()
    def only_what_did_not_succeed_is_free_once_it_has_ended(self) -> None:
        now = self.stage.now()
        for task in self.stage.rows("task"):
            state = task.state(now)
            price = int(task.movements[2])
            assert charged(task.movements) == (0 if state in {"failed", "cancelled"} else price)

    @invariant()
    def tasks_only_go_on_and_what_has_ended_stays_as_it_is(self) -> None:
        now = self.stage.now()
        for task in self.stage.rows("task"):
            point = task.point(now)
            assert point.state == task.state(now), "two ways to read one timeline disagree"
            was = self.seen.get(task.id)
            ended = task if point.state in TERMINAL else None
            if was is not None:
                state, progress, final = was
                assert RANK[point.state] >= RANK[state]
                assert point.progress >= progress
                assert final is None or final == task
            self.seen[task.id] = (point.state, point.progress, ended)

    @invariant()
    def every_ended_task_with_a_receiver_has_one_callback_and_no_other_has_any(self) -> None:
        now = self.stage.now()
        due = [task.id for task in self.stage.rows("task") if task.callback_url and task.state(now) in TERMINAL]
        assert sorted(one.task_id for one in self.stage.rows("delivery")) == sorted(due)


AnyHistory.TestCase.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyHistory = AnyHistory.TestCase
