"""Whatever faults bend whatever tasks, the ledger is right at every step, and every figure shown is a view of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from soundstage import media
from soundstage.core.bent import Bent, bent_of
from soundstage.core.call import Call, Reply
from soundstage.core.invariants import violations
from soundstage.core.money import MICROS, number
from soundstage.core.rules import Aim, Book, Rule, book_of, put_book
from soundstage.core.slots import slots_of
from soundstage.core.task import Task
from soundstage.core.timeline import TERMINAL
from soundstage.core.universe import Key, find_key, open_key, open_universe, start_over
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, charged, issue, the_wallet, total
from support.client import PROMPT
from support.faulty import CALLBACK_URL, CREATE, PROVIDERS
from unit.stage import Stage, finish

PICK = st.integers(0, 30)
HOOK = "http://127.0.0.1:9/hook"
LIMITS = (("total_concurrent", 2), ("image_concurrent", 2), ("video_concurrent", 1), ("queue", 3))
FACTOR = st.sampled_from([0.1, 0.5, 1.25, 3, 40])
MORE = st.sampled_from([1.1, 1.5, 3, 100])
PARAMS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "task/fail": {"at": st.sampled_from(["start", "middle", "99", "end"])},
    "task/never-ends": {},
    "task/stuck-waiting": {},
    "task/slow": {"factor": st.sampled_from([1, 2.5, 50])},
    "task/unknown-status": {"while": st.sampled_from(["running", "end"])},
    "task/progress-back": {"by": st.integers(1, 50)},
    "task/no-output": {},
    "task/no-reason": {},
    "task/moderation": {},
    "money/quote-wrong": {"factor": FACTOR},
    "money/overcharge": {"factor": MORE},
    "money/price-change": {"factor": FACTOR},
    "money/charged-though-failed": {},
    "money/refund-late": {"seconds": st.sampled_from([0.001, 30, 5000])},
    "money/refund-twice": {},
    "money/insufficient-credit": {},
    "files/missing": {},
    "files/expired": {"seconds": st.sampled_from([0, 60])},
    "files/slow": {},
    "files/truncated": {"share": st.sampled_from([0, 0.5]), "how": st.sampled_from(["short", "broken-off"])},
    "files/wrong-type": {},
}
FAULT = st.sampled_from(sorted(PARAMS)).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(dict(PARAMS[name])))
)
AIM = st.one_of(
    st.just(Aim()),
    st.integers(1, 3).map(lambda count: Aim(every=count)),
    st.sampled_from([0.3, 0.8]).map(lambda share: Aim(probability=share)),
    st.sampled_from(PROVIDERS).map(lambda provider: Aim(provider=provider)),
    st.integers(1, 4).map(lambda count: Aim(times=count)),
)
ASKED = st.lists(FAULT, max_size=2)
# What shows in the books or in a task's course.
BENDING = FAULT.filter(lambda fault: fault[0].partition("/")[0] in {"task", "money"})


def api_key(provider: str, credits_: int) -> Key:
    """Return a provider's key with a wallet of its own."""
    return Key(
        id=provider,
        provider=provider,
        account=provider,
        wallet=provider,
        shown="…",
        secret="whsec_dGVzdA==",
        credits=credits_,
        limits=LIMITS if provider == "revidapi" else None,
    )


class AnyFaults(RuleBasedStateMachine):
    """One universe with an account at every provider, rules that come and go, and time that jumps."""

    @initialize(credits_=st.sampled_from([90, 400, 5_000]))
    def open(self, credits_: int) -> None:
        self.stage = Stage()
        self.faults = self.stage.world.bender.library
        self.credits = credits_ * MICROS
        self.number = 0
        self.ended: dict[str, Any] = {}
        self.stage.do(self.enter)

    def enter(self, tx: Tx) -> None:
        if find_key(tx, PROVIDERS[0]) is None:
            open_universe(tx, self.stage.world.opening)
            for provider in PROVIDERS:
                open_key(tx, api_key(provider, self.credits))

    def ask(
        self, provider: str, method: str, path: str, body: Any = None, asked: Any = (), **params: str
    ) -> tuple[Reply, list[Task]]:
        """Make a call under the universe's faults; return its reply and the tasks it left."""
        offered = self.stage.world.providers[provider]
        operation = next(one for one in offered.operations if (one.method, one.path) == (method, path))
        wanted = tuple(self.checked(*one) for one in asked)

        def step(tx: Tx) -> tuple[Reply, list[Task]]:
            key = find_key(tx, provider)
            assert key is not None
            headers = {"Authorization": "Bearer sk_test_somebody"}
            call = Call(method, path, params, {}, headers, body, key, self.stage.base_url)
            reply = self.stage.world.bender.run(call, tx, operation, offered, wanted)
            return reply, [task for _, task in tx.scan("task")]

        return self.stage.do(step)

    def checked(self, name: str, params: Mapping[str, Any]) -> Any:
        return self.faults.checked(name, params, "a test")  # type: ignore[attr-defined]

    def tasks(self) -> list[Task]:
        return self.stage.rows("task")

    def bent(self, task: Task) -> Bent:
        return self.stage.do(lambda tx: bent_of(tx, task.id)) or Bent()

    @rule(fault=FAULT, aim=AIM, scenario=st.booleans())
    def set_a_rule(self, fault: tuple[str, Mapping[str, Any]], aim: Aim, scenario: bool) -> None:
        self.number += 1
        made = Rule(f"rule_{self.number}", fault[0], self.checked(*fault).params, aim, f"rule_{self.number}")

        def step(tx: Tx) -> None:
            book = book_of(tx) or Book()
            changed = {"staged": (made,)} if scenario else {"rules": (made, *book.rules)[:4]}
            put_book(tx, book._replace(**changed))

        self.stage.do(step)

    @rule(
        provider=st.sampled_from(PROVIDERS),
        fault=BENDING,
        second=ASKED,
        hook=st.booleans(),
    )
    def create_bent(self, provider: str, fault: Any, second: Any, hook: bool) -> None:
        self.create(provider, [fault, *second], hook, PROMPT)

    @rule(
        provider=st.sampled_from(PROVIDERS),
        asked=ASKED,
        hook=st.booleans(),
        prompt=st.sampled_from([PROMPT, "a dragon sleeps"]),
    )
    def create_any(self, provider: str, asked: Any, hook: bool, prompt: str) -> None:
        self.create(provider, asked, hook, prompt)

    @rule(late=st.sampled_from([0, 1, 7]))
    def advance_to_the_next_event(self, late: int) -> None:
        view = self.stage.world.store.peek(self.stage.universe)
        assert view is not None
        first = view.first("event")
        if first is not None:
            self.stage.forward(max(0, first[0] - self.stage.now()) + late)

    def create(self, provider: str, asked: Any, hook: bool, prompt: str) -> None:
        path, given = CREATE[provider]
        body = {**given, "prompt": prompt}
        if hook and provider in CALLBACK_URL:
            body[CALLBACK_URL[provider]] = HOOK
        offered = {"v2gateway": "/v2/{scope}/generations"}.get(provider, path)
        before = {task.id for task in self.tasks()}
        available = self.available(provider)
        params = {"scope": "videos"} if provider == "v2gateway" else {}
        reply, left = self.ask(provider, "POST", offered, body, asked, **params)
        new = [task for task in left if task.id not in before]
        assert (reply.status == 200) is (len(new) == 1)
        assert reply.status in {200, 402, 429}
        if new and provider == "revidapi":
            assert reply.body["balance_remaining"] == number(available - charged(new[0].movements))

    @rule(provider=st.sampled_from(["midsync", "apikeyorg"]), asked=ASKED)
    def quote(self, provider: str, asked: Any) -> None:
        path = {"midsync": "/unified-video/quote", "apikeyorg": "/v1/credits/estimate"}[provider]
        body = CREATE["midsync"][1] if provider == "midsync" else {"model": "seedance-2", "duration": 5}
        available = self.available(provider)
        assert self.ask(provider, "POST", path, body, asked)[0].status == 200
        assert self.available(provider) == available

    @precondition(lambda self: self.tasks())
    @rule(pick=PICK)
    def poll(self, pick: int) -> None:
        task = self.picked(pick)
        poll = next(one for one in self.stage.world.providers[task.provider].operations if one.role == "poll")
        shape = self.stage.world.providers[task.provider].shape
        body, _ = self.ask(task.provider, "GET", poll.path, **{shape.poll_id: task.id, "scope": "videos"})
        assert body.status == 200
        if task.provider == "apikeyorg":
            shown = body.body["credits"]
            assert shown["charged"] == number(charged(task.movements))
            assert shown["reserved"] == number(total(task.movements, "reserve"))

    @precondition(lambda self: self.tasks())
    @rule(pick=PICK, verb=st.sampled_from(["complete", "fail", "stall"]))
    def redirect(self, pick: int, verb: Any) -> None:
        task = self.picked(pick)
        if task.state(self.stage.now()) not in TERMINAL:
            finish(self.stage.world.redirect(self.stage.universe, task.id, verb, "because"))

    @precondition(lambda self: any(task.provider == "revidapi" for task in self.tasks()))
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        jobs = [task for task in self.tasks() if task.provider == "revidapi"]
        task = jobs[pick % len(jobs)]
        ended = task.state(self.stage.now()) in TERMINAL
        reply, _ = self.ask("revidapi", "POST", "/v1/jobs/{job_id}/cancel", job_id=task.id)
        assert reply.status == (400 if ended else 200)

    @precondition(lambda self: self.tasks())
    @rule(pick=PICK)
    def download(self, pick: int) -> None:
        task = self.picked(pick)
        world = self.stage.world

        def step(tx: Tx) -> Reply | None:
            if task.state(tx.now) != "succeeded":
                return None
            whole = Reply(media.sample("video/mp4"), content_type="video/mp4")
            return world.bender.download(tx, task, world.providers[task.provider], whole, "0")

        reply = self.stage.do(step)
        assert reply is None or reply.status in {200, 403, 404}

    @rule(milliseconds=st.one_of(st.integers(0, 5_000), st.integers(0, 300_000), st.integers(0, 10**8)))
    def advance(self, milliseconds: int) -> None:
        self.stage.forward(milliseconds)

    @rule(provider=st.sampled_from(PROVIDERS), amount=st.integers(-300 * MICROS, 300 * MICROS))
    def top_up(self, provider: str, amount: int) -> None:
        available = self.available(provider)
        try:
            self.stage.do(lambda tx: issue(tx, provider, amount, note="top-up"))
        except LedgerError:
            assert available + amount < 0

    @precondition(lambda self: len(self.tasks()) > 6)
    @rule()
    def reset(self) -> None:
        def step(tx: Tx) -> None:
            for key in start_over(tx):
                open_key(tx, key)

        self.stage.do(step)
        self.ended.clear()

    def picked(self, pick: int) -> Task:
        tasks = self.tasks()
        return tasks[pick % len(tasks)]

    def available(self, provider: str) -> int:
        return self.stage.do(lambda tx: the_wallet(tx, provider).available)

    @invariant()
    def no_invariant_is_violated(self) -> None:
        assert self.stage.do(violations) == []

    @invariant()
    def what_is_left_is_what_was_issued_less_what_tasks_are_charged(self) -> None:
        for provider in PROVIDERS:
            cost = sum(charged(task.movements) for task in self.tasks() if task.provider == provider)
            wallet = self.stage.do(partial(the_wallet, wallet_id=provider))
            issued = sum(entry.amount for entry in self.stage.rows("entry") if entry.wallet == provider)
            assert (wallet.available, wallet.issued) == (issued - cost, issued)

    @invariant()
    def every_figure_shown_is_the_ledgers(self) -> None:
        balance, _ = self.ask("revidapi", "GET", "/v1/balance")
        assert balance.body["balance"] == number(self.available("revidapi"))
        log, _ = self.ask("revidapi", "GET", "/v1/dashboard/credits")
        assert log.body["transactions"][0]["balance_after"] == balance.body["balance"]
        summary, _ = self.ask("midsync", "GET", "/v1/usage/summary")
        cost = sum(charged(task.movements) for task in self.tasks() if task.provider == "midsync")
        assert summary.body["totalPointsCharged"] == number(cost)

    @invariant()
    def credits_of_a_failed_task_go_where_its_faults_say(self) -> None:
        now, given = self.stage.now(), {entry.note: entry.amount for entry in self.stage.rows("entry")}
        for task in self.tasks():
            price, cost, refund = total(task.movements, "reserve"), charged(task.movements), self.bent(task).refund
            state = task.state(now)
            if state == "failed":
                stays = refund == "never" or (refund == "due" and task.due is not None)
                assert cost == (price if stays else 0)
                again = given.get(f"refunded once more for {task.id}")
                assert again == (price if refund == "twice" else None)
            elif state == "succeeded":
                assert cost == (price if task.cost is None else task.cost) <= price
            elif state != "cancelled":
                assert cost == price

    @invariant()
    def what_has_ended_stays_as_it_is_but_for_its_refund(self) -> None:
        now = self.stage.now()
        for task in self.tasks():
            if task.state(now) in TERMINAL:
                final = task._replace(movements=(), due=None)
                assert self.ended.setdefault(task.id, final) == final
            else:
                assert task.id not in self.ended

    @invariant()
    def whoever_holds_a_slot_or_waits_for_one_is_under_way(self) -> None:
        slots = self.stage.do(lambda tx: slots_of(tx, "revidapi"))
        assert slots.held() <= 2
        assert not slots.waiting or slots.held(), "jobs wait and nobody holds what they wait for"


AnyFaults.TestCase.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyFaults = AnyFaults.TestCase
