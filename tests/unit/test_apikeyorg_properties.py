"""Any history of an API-Key account adds up: tasks of every kind, chat, embeddings, refusals, advances, resets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from soundstage.core.invariants import violations
from soundstage.core.money import MICROS, number
from soundstage.core.task import Task
from soundstage.core.timeline import TERMINAL
from soundstage.core.universe import open_key, start_over
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, charged, issue, the_wallet, total
from unit.gateway_stage import CREATE, CREDITS, MODELS, ONLY, GatewayStage, estimated, made_price, token_price
from unit.stage import as_bytes, finish

PICK = st.integers(0, 20)
WHO = st.sampled_from(sorted(CREDITS))
HOOK = "http://127.0.0.1:9/hook"
IMAGE = "https://media.example.com/a.png"
TASK_MODELS = sorted(name for name, model in MODELS.items() if model["category"] in CREATE)
BUDGETS = ("none", "far below", "a hair below", "just", "above")


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a body that is good but for its budget, which the machine adds."""
    model = draw(st.sampled_from(TASK_MODELS))
    entry = MODELS[model]
    body: dict[str, Any] = {"model": model, "prompt": draw(st.sampled_from(["a fox runs", "slow rain"]))}
    if draw(st.booleans()) and "duration" in entry:
        body["duration"] = draw(st.integers(entry["duration"]["minimum"], entry["duration"]["maximum"]))
    if draw(st.booleans()) and "resolutions" in entry:
        body["resolution"] = draw(st.sampled_from(entry["resolutions"]))
    if entry["category"] == "image":
        body["n"] = draw(st.sampled_from([None, 1, 3, 4]))
    if entry["category"] == "video":
        body |= draw(st.sampled_from([{}, {}, {"images": [IMAGE]}, {"videos": [IMAGE]}]))
    if draw(st.booleans()):
        body["callback_url"] = HOOK
    return body


TALKS = st.builds(
    lambda model, text, more: {"model": model, "messages": [{"role": "user", "content": text}], **more},
    st.sampled_from(sorted(name for name, model in MODELS.items() if model["category"] == "chat")),
    st.sampled_from(["hi", "what is the weather in Oslo?", "long " * 4_000]),
    st.sampled_from([{}, {"n": 3}, {"max_tokens": 1}, {"response_format": {"type": "json_object"}}]),
)
TEXTS = st.builds(
    lambda model, given: {"model": model, "input": given, "dimensions": 2},
    st.sampled_from(sorted(name for name, model in MODELS.items() if model["category"] == "embedding")),
    st.sampled_from(["hi", ["a paper boat", "a mountain lake"], [1, 2, 3], [[1], [2, 3]], "long " * 5_000]),
)
# (operation, body or task id, status, code): what no account may ever be charged for.
REFUSED: tuple[tuple[str, Any, int, str], ...] = (
    ("createVideoTask", {"model": "seedance-2", "prompt": ""}, 400, "invalid_request"),
    ("createVideoTask", {"model": "seedance-2", "prompt": "x", "duration": 3}, 400, "invalid_request"),
    ("createVideoTask", {"model": ONLY, "prompt": "x", "resolution": "1080p"}, 400, "invalid_request"),
    ("createVideoTask", {"model": "suno-5", "prompt": "x"}, 400, "invalid_request"),
    ("createVideoTask", {"model": "sora-9", "prompt": "x"}, 404, "model_not_found"),
    ("createVideoTask", {"model": ONLY, "prompt": "x", "callback_url": "http://a.example/"}, 400, "invalid_request"),
    ("createImageTask", {"model": "seedream-4", "prompt": "x", "n": 5}, 400, "invalid_request"),
    ("createMusicTask", {"model": "suno-5", "prompt": "x", "max_credits": -1}, 400, "invalid_request"),
    ("createMusicTask", [], 400, "invalid_request"),
    ("createChatCompletion", {"model": "gpt-5", "messages": []}, 400, "invalid_request"),
    ("createChatCompletion", {"model": "gpt-9", "messages": []}, 404, "model_not_found"),
    ("createEmbedding", {"model": "text-embedding-3-small", "input": ""}, 400, "invalid_request"),
    ("createEmbedding", {"model": "text-embedding-3-small", "input": "x", "dimensions": 1537}, 400, "invalid_request"),
    ("estimateCredits", {"model": "gpt-5"}, 400, "invalid_request"),
    ("getTask", "task_none", 404, "task_not_found"),
)


class AnyAccount(RuleBasedStateMachine):
    """Three accounts of one universe with a manual clock; what each was issued, and its tasks."""

    @initialize()
    def open(self) -> None:
        self.stage = GatewayStage()
        self.stage.do(self.stage.enter)
        self.issued = {name: credits_ * MICROS for name, credits_ in CREDITS.items()}
        self.asked: dict[str, dict[str, Any]] = {}

    @rule(who=WHO, body=tasks(), budget=st.sampled_from(BUDGETS))
    def create(self, who: str, body: dict[str, Any], budget: str) -> None:
        """R-KEY-033, R-KEY-034: over its budget a task does not come to be, at its budget it does."""
        self.stage.who = who
        price = estimated(body["model"], body)
        self._estimate_agrees(body, price)
        most = {"none": None, "far below": 0, "a hair below": price / MICROS - 1e-7, "just": price / MICROS}.get(
            budget, price / MICROS + 1e-7
        )
        given = {**body, "max_credits": most}
        operation = CREATE[MODELS[body["model"]]["category"]]
        if who == "narrow" and body["model"] != ONLY:
            self._refused(operation, given, 403, "model_not_allowed")
        elif budget.endswith("below"):
            self._refused(operation, given, 402, "max_credits_exceeded")
        elif self._available(who) < price:
            self._refused(operation, given, 402, "insufficient_credits")
        else:
            before = self._available(who)
            reply = self.stage.ask(operation, given)
            assert self._available(who) == before - price
            assert reply == {**reply, "id": reply["task_id"], "status": "pending"}
            self.asked[reply["task_id"]] = body

    @rule(who=st.sampled_from(["k", "poor"]), body=TALKS)
    def talk(self, who: str, body: dict[str, Any]) -> None:
        """R-KEY-022: a chat is charged by the tokens its reply counts, at once, or refused whole."""
        self._pay_at_once(who, "createChatCompletion", body)

    @rule(who=st.sampled_from(["k", "poor"]), body=TEXTS)
    def embed(self, who: str, body: dict[str, Any]) -> None:
        """R-KEY-023: embeddings are charged by the tokens their reply counts, at once, or refused whole."""
        self._pay_at_once(who, "createEmbedding", body)

    @rule(who=WHO, case=st.sampled_from(REFUSED))
    def ask_wrongly(self, who: str, case: tuple[str, Any, int, str]) -> None:
        operation, given, status, code = case
        self.stage.who = "k" if code == "invalid_request" else who
        self._refused(operation, given, status, code)

    @precondition(lambda self: self.asked)
    @rule(pick=PICK)
    def look_at_the_tasks_of_another_account(self, pick: int) -> None:
        """Another account's task is not found, and looking for it writes nothing."""
        task = self._picked(pick)
        self.stage.who = next(name for name in CREDITS if name != task.wallet)
        self._refused("getTask", task.id, 404, "task_not_found")

    @rule(milliseconds=st.one_of(st.integers(0, 3_000), st.integers(0, 200_000)))
    def advance(self, milliseconds: int) -> None:
        self.stage.forward(milliseconds)

    @precondition(lambda self: self.asked)
    @rule(pick=PICK, verb=st.sampled_from(["complete", "fail", "stall"]))
    def redirect(self, pick: int, verb: Any) -> None:
        task = self._picked(pick)
        ended = task.state(self.stage.now()) in TERMINAL
        try:
            finish(self.stage.world.redirect(self.stage.universe, task.id, verb, "because"))
        except ValueError:
            assert ended
        else:
            assert not ended, "what had ended was changed"

    @rule(who=WHO, amount=st.integers(-60 * MICROS, 60 * MICROS))
    def top_up(self, who: str, amount: int) -> None:
        available = self._available(who)
        try:
            self.stage.do(lambda tx: issue(tx, who, amount, note="top-up"))
        except LedgerError:
            assert available + amount < 0
        else:
            self.issued[who] += amount

    @precondition(lambda self: len(self.asked) > 3)
    @rule()
    def reset(self) -> None:
        def step(tx: Tx) -> None:
            for key in start_over(tx):
                open_key(tx, key)

        self.stage.do(step)
        for task_id in self.asked:
            assert finish(self.stage.call("getTask", params={"task_id": task_id})).status == 404
        self.asked.clear()
        self.issued = {name: credits_ * MICROS for name, credits_ in CREDITS.items()}

    def _estimate_agrees(self, body: Mapping[str, Any], price: int) -> None:
        known = {name: body.get(name) for name in ("model", "duration", "resolution", "n")}
        if MODELS[body["model"]]["category"] == "video":
            known["input_mode"] = "text-to-video"
            known["input_mode"] = "image-to-video" if "images" in body else known["input_mode"]
            known["input_mode"] = "video-to-video" if "videos" in body else known["input_mode"]
        if self.stage.who == "narrow" and body["model"] != ONLY:
            return
        before = self.stage.tables()
        assert self.stage.ask("estimateCredits", known)["credits"] == number(price)
        assert self.stage.tables() == before, "an estimate changed something"

    def _pay_at_once(self, who: str, operation: str, body: dict[str, Any]) -> None:
        self.stage.who = who
        before, tables = self._available(who), self.stage.tables()
        reply = finish(self.stage.call(operation, body))
        if reply.status == 200:
            used = reply.body["usage"]
            price = token_price(body["model"], used["prompt_tokens"], used.get("completion_tokens", 0))
            assert used["total_tokens"] == used["prompt_tokens"] + used.get("completion_tokens", 0)
            assert self._available(who) == before - price
            return
        assert reply.body["error"] == {
            "message": "Insufficient credits",
            "type": "gateway_error",
            "code": "insufficient_credits",
        }
        assert self.stage.tables() == tables

    def _refused(self, operation: str, given: Any, status: int, code: str) -> None:
        """Ask for what is refused: no row of any table may differ afterwards."""
        before = self.stage.tables()
        params = {"task_id": given} if operation == "getTask" else None
        reply = finish(self.stage.call(operation, None if params else given, params=params))
        assert (reply.status, reply.body["error"]["code"]) == (status, code), reply.body
        assert self.stage.tables() == before, "what was refused left a trace"

    def _available(self, who: str) -> int:
        return self.stage.do(lambda tx: the_wallet(tx, who).available)

    def _picked(self, pick: int) -> Task:
        task_id = list(self.asked)[pick % len(self.asked)]
        found: Task | None = self.stage.do(lambda tx: tx.get("task", task_id))
        assert found is not None
        return found

    def _polled(self, task: Task) -> dict[str, Any]:
        self.stage.who = task.wallet
        body: dict[str, Any] = self.stage.ask("getTask", params={"task_id": task.id})
        return body

    @invariant()
    def no_invariant_is_violated(self) -> None:
        assert self.stage.do(violations) == []

    @invariant()
    def what_was_charged_and_what_is_left_are_what_was_issued(self) -> None:
        for who, issued in self.issued.items():
            rows = [row for table in ("use", "task") for row in self.stage.rows(table) if row.wallet == who]
            assert self._available(who) + sum(charged(row.movements) for row in rows) == issued

    @invariant()
    def an_ended_task_settled_and_released_exactly_what_it_reserved(self) -> None:
        """R-KEY-048: reserve, then settle what was made (never more), and give the rest back."""
        now = self.stage.now()
        for task in self.stage.rows("task"):
            reserved = total(task.movements, "reserve")
            settled, released = total(task.movements, "settle"), total(task.movements, "release")
            state = task.state(now)
            assert reserved == estimated(task.model, self.asked[task.id])
            assert settled <= reserved
            assert settled + released == (reserved if state in TERMINAL else 0)
            if state in TERMINAL and state != "succeeded":
                assert settled == 0

    @invariant()
    def a_poll_tells_what_is_held_or_spent_and_charges_for_the_seconds_made(self) -> None:
        for task in self.stage.rows("task"):
            body = self._polled(task)
            shown = body["credits"]
            assert shown["charged"] == number(charged(task.movements))
            assert shown["reserved"] == number(total(task.movements, "reserve"))
            assert shown["released"] == number(total(task.movements, "release"))
            if body["status"] == "completed":
                asked = self.asked[task.id]
                assert body["duration"] == asked.get("duration", body["duration"])
                assert shown["charged"] == number(made_price(task.model, asked, body["duration"]))
                assert len(body["output_urls"]) == (asked.get("n") or 1)
            else:
                assert (body["output_urls"], body["duration"]) == ([], None)

    @invariant()
    def every_ended_task_with_a_receiver_has_one_callback_with_the_body_of_a_poll(self) -> None:
        now = self.stage.now()
        due = {task.id: task for task in self.stage.rows("task") if task.callback_url and task.state(now) in TERMINAL}
        sent = {one.task_id: one.body for one in self.stage.rows("delivery")}
        assert sent.keys() == due.keys()
        assert len(self.stage.rows("delivery")) == len(sent)
        for task_id, body in sent.items():
            self.stage.who = due[task_id].wallet
            assert as_bytes(finish(self.stage.call("getTask", params={"task_id": task_id}))) == body


AnyAccount.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyAccount = AnyAccount.TestCase
