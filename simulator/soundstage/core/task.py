"""Tasks: one engine for every provider's asynchronous work. How they begin; `core.ending` is about how they end.

A task's row holds what cannot be derived: the request, the plan, the money. Its timeline is derived from the plan
whenever somebody looks, so 200,000 finished tasks stay small. The only event of a task is its end, and where a fault
delays its refund, that.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from soundstage.core import outbox
from soundstage.core import timeline as tl
from soundstage.core.bent import Bent, Refund, bent_of
from soundstage.core.randomness import Draw
from soundstage.core.slots import SlotLimits, Waiting, line_up, place_for, take
from soundstage.core.timeline import Point, State, Timeline
from soundstage.core.universe import Key, the_universe
from soundstage.core.view import Tx
from soundstage.core.wallet import Movements, fold, reserve, spent

# Tasks kept per universe; beyond it the oldest finished ones are evicted and answer 404.
MOST_TASKS: Final = 250_000


class Order(NamedTuple):
    """What a provider's handler asks the engine to do. Spans are documented ones, before the clock's speed.

    `price` is reserved at once; `cost`, where it is known to be less, is what success will settle. A task that needs
    a slot names its kind and the account's limits. Only faults give it a `course`, counted from its start, in place of
    the plan, and a `refund`: what becomes of its credits if it does not succeed. `timeline` puts any course in order.
    """

    provider: str
    operation: str
    kind: str
    model: str
    request: bytes
    price: int
    delay_ms: int
    run_ms: int
    callback_url: str | None = None
    outcome: State = "succeeded"
    reason: str | None = None
    cost: int | None = None
    slot: str | None = None
    limits: SlotLimits | None = None
    course: Timeline | None = None
    refund: Refund = "usual"
    refund_after_ms: int = 0

    @property
    def span_ms(self) -> int:
        """How long the task takes in all, from its start to its end."""
        return self.delay_ms + self.run_ms

    @property
    def timeline(self) -> Timeline:
        """The points the task is to go through, counted from its start.

        Whatever its course is made of, these begin with the start, where no task has ended yet, are in the order of
        their time, and the first end is the last of them.
        """
        if self.course is None:
            return tl.planned(self.delay_ms, self.run_ms, self.outcome)
        points = sorted((point for point in self.course if point.offset_ms >= 0), key=lambda point: point.offset_ms)
        ends = (number for number, point in enumerate(points, 1) if point.state in tl.TERMINAL)
        course = tuple(points[: next(ends, None)])
        begins = course and course[0].offset_ms == 0 and course[0].state not in tl.TERMINAL
        return course if begins else (*tl.IN_LINE, *course)

    def failing(self, reason: str | None, at: float = 1) -> "Order":
        """Return the same work failing after this share of its run, whatever its course; None is no reason of ours."""
        failed = self._replace(outcome="failed", run_ms=round(self.run_ms * at), reason=reason)
        if self.course is None:
            return failed
        end, course = failed.span_ms, self.timeline
        kept = tuple(point for point in course if point.offset_ms < end) or course[:1]
        return failed._replace(course=(*kept, Point(end, "failed", kept[-1].progress)))


class Task(NamedTuple):
    """One piece of asynchronous work as the universe remembers it.

    `slot` is the kind of slot it holds or waits for, None when it needs none or has given it back. While it is `queued`
    it has no plan; what it waited is part of `delay_ms` once it has started.
    """

    id: str
    provider: str
    operation: str
    kind: str
    model: str
    key_id: str
    wallet: str
    request: bytes
    created_at: int
    delay_ms: int
    run_ms: int
    outcome: State
    reason: str | None
    movements: Movements
    callback_url: str | None = None
    delivery: str | None = None
    due: tuple[int, int] | None = None
    replaced: Timeline | None = None
    cost: int | None = None
    slot: str | None = None
    queued: bool = False

    @property
    def timeline(self) -> Timeline:
        """The points this task goes through, as planned or as replaced since."""
        if self.replaced is not None:
            return self.replaced
        return tl.IN_LINE if self.queued else tl.planned(self.delay_ms, self.run_ms, self.outcome)

    def point(self, now: int) -> Point:
        """Return where the task is at `now`."""
        return tl.at(self.timeline, now - self.created_at)

    def state(self, now: int) -> State:
        """Return the state at `now`, without building the timeline where the plan alone tells."""
        if self.replaced is not None:
            return self.point(now).state
        if self.queued:
            return "waiting"
        age = now - self.created_at
        if age >= self.delay_ms + self.run_ms:
            return self.outcome
        return "waiting" if age < self.delay_ms else "running"

    @property
    def ends_at(self) -> int | None:
        """When the task ends, or None when it never does on its own."""
        end = tl.end_of(self.timeline)
        return None if end is None else self.created_at + end.offset_ms

    @property
    def draw(self) -> Draw:
        """Everything else about the task that looks random, by label."""
        return Draw(self.id)


class BendingTx(Tx):
    """A view of a step in which tasks are not created as they are ordered."""

    __slots__ = ("_step", "bend")

    def __init__(self, step: Tx, bend: Callable[[Order, str], tuple[Order, Bent | None]]) -> None:
        for name in Tx.__slots__:
            setattr(self, name, getattr(step, name))
        self._step = step
        # Returns the order of the task with this id as it is to be, and what is kept of how it was bent.
        self.bend = bend

    def serial(self) -> int:
        """Return the step's next number."""
        return self._step.serial()


def create(tx: Tx, key: Key, order: Order, task_id: str) -> Task:
    """Reserve the price, plan the timeline and schedule the end, or wait in line for a slot.

    The caller has checked that the wallet covers the price and that there is a slot or a place in the queue.
    """
    bent: Bent | None = None
    if isinstance(tx, BendingTx):
        order, bent = tx.bend(order, task_id)
    clock = the_universe(tx).clock
    delay, run = clock.span(order.delay_ms), clock.span(order.run_ms)
    queued = order.limits is not None and _take_place(tx, key.account, order, task_id)
    due = None if queued else (tx.now + delay + run, tx.serial())
    task = Task(
        task_id,
        order.provider,
        order.operation,
        order.kind,
        order.model,
        key.id,
        key.wallet,
        order.request,
        tx.now,
        delay,
        run,
        order.outcome,
        order.reason,
        reserve(tx, key.wallet, order.price),
        order.callback_url or key.callback_url,
        None,
        due,
        None,
        order.cost,
        order.slot,
        queued,
    )
    if bent is not None:
        tx.put("bent", task.id, bent)
        task = _on_course(tx, task, bent)
    tx.put("task", task.id, task)
    if task.due is not None:
        tx.put("event", task.due, task.id)
    if tx.count("task") >= MOST_TASKS:
        _evict(tx)
    return task


def _take_place(tx: Tx, account: str, order: Order, task_id: str) -> bool:
    """Take a slot, or a place in line; tell whether it was the line."""
    if order.slot is None or order.limits is None:
        return False
    place = place_for(tx, account, order.slot, order.limits)
    if place is None:
        raise ValueError(f"no slot and no place in line for {task_id}; the handler must ask place_for first")
    if place == "slot":
        take(tx, account, order.slot)
        return False
    line_up(tx, account, Waiting(task_id, order.slot, order.limits))
    return True


def start(tx: Tx, task_id: str) -> None:
    """Let a task that waited in line begin now."""
    task: Task | None = tx.get("task", task_id)
    if task is None:
        return
    delay = task.delay_ms + tx.now - task.created_at
    due = (tx.now + task.delay_ms + task.run_ms, tx.serial())
    started = task._replace(queued=False, delay_ms=delay, due=due)
    bent = bent_of(tx, task_id)
    if bent is not None:
        started = _on_course(tx, started, bent)
    tx.put("task", task.id, started)
    if started.due is not None:
        tx.put("event", started.due, task.id)


def _on_course(tx: Tx, task: Task, bent: Bent) -> Task:
    """Return a task that is created or starts now on the course a fault gives it; one in line has none yet."""
    if bent.timeline is None or task.queued:
        return task
    clock, waited = the_universe(tx).clock, tx.now - task.created_at
    points = tuple(point._replace(offset_ms=waited + clock.span(point.offset_ms)) for point in bent.timeline)
    course = points if points[0].offset_ms == 0 else (tl.IN_LINE[0], *points)
    last = tl.end_of(course)
    due = None if last is None else (task.created_at + last.offset_ms, tx.serial())
    return task._replace(replaced=course, outcome=task.outcome if last is None else last.state, due=due)


def mark_collected(tx: Tx, task_id: str) -> None:
    """Remember that somebody got the whole of a task's result, unless the task was forgotten meanwhile."""
    if tx.get("task", task_id) is not None and not was_collected(tx, task_id):
        tx.put("collected", task_id, tx.now)


def was_collected(tx: Tx, task_id: str) -> bool:
    """Tell whether somebody got the whole of a task's result."""
    return tx.get("collected", task_id) is not None


def find(tx: Tx, task_id: str, provider: str) -> Task | None:
    """Return a task of this universe if it is that provider's."""
    found: Task | None = tx.get("task", task_id)
    return found if found is not None and found.provider == provider else None


def _evict(tx: Tx) -> None:
    """Drop the oldest finished task; what it spent folds into one entry of its wallet."""
    for key in tx.oldest("task", 4096):
        task: Task | None = tx.get("task", key)
        if task is None or task.due is not None or task.state(tx.now) not in tl.TERMINAL:
            continue
        deliveries = outbox.of_task(tx, task.id, task.delivery)
        # A callback still to be delivered would be lost with its task.
        if any(one.state in {"pending", "in_flight"} for one in deliveries):
            continue
        tx.delete("task", key)
        for one in deliveries:
            tx.delete("delivery", one.id)
        for kept in ("bent", "collected"):
            if tx.get(kept, task.id) is not None:
                tx.delete(kept, task.id)
        fold(tx, task.wallet, spent(task.movements))
        return
