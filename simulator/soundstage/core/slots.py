"""Slots and queues: how many tasks of an account run at once, and who waits for whom.

A slot is taken when a task is created, or at the instant one frees, and held until the task has ended. Tasks of one
kind start in the order they came; a kind that is full does not block another.
"""

from typing import Literal, NamedTuple

from soundstage.core.view import Tx


class SlotLimits(NamedTuple):
    """The most tasks that hold a slot: in all, and by kind; and the most that wait for one."""

    total: int
    kinds: tuple[tuple[str, int], ...]
    queue: int

    def of(self, kind: str) -> int:
        """Return the limit of one kind; a kind without one has the total's."""
        return next((most for name, most in self.kinds if name == kind), self.total)


class Waiting(NamedTuple):
    """A task in line, with the limits of the key that put it there."""

    task_id: str
    kind: str
    limits: SlotLimits


class Slots(NamedTuple):
    """An account's slots as they stand; `holding` counts by kind."""

    holding: tuple[tuple[str, int], ...] = ()
    waiting: tuple[Waiting, ...] = ()

    def held(self, kind: str | None = None) -> int:
        """Return how many tasks hold a slot, of one kind or in all."""
        return sum(count for name, count in self.holding if kind in {None, name})

    def free_for(self, kind: str, limits: SlotLimits) -> bool:
        """Tell whether a task of this kind could start now."""
        return self.held() < limits.total and self.held(kind) < limits.of(kind)

    def with_one(self, kind: str, change: Literal[1, -1]) -> "Slots":
        """Return the slots with one more or one less held by a kind."""
        counts = dict(self.holding)
        counts[kind] = counts.get(kind, 0) + change
        return self._replace(holding=tuple(counts.items()))


def slots_of(tx: Tx, account: str) -> Slots:
    """Return an account's slots as they stand."""
    found: Slots | None = tx.get("slots", account)
    return Slots() if found is None else found


def place_for(tx: Tx, account: str, kind: str, limits: SlotLimits) -> Literal["slot", "queue"] | None:
    """Return what a new task of this kind would get now; None when the queue is full as well."""
    slots = slots_of(tx, account)
    # Keys of one account may have different limits: whoever waits already comes first all the same.
    if slots.free_for(kind, limits) and not any(one.kind == kind for one in slots.waiting):
        return "slot"
    return "queue" if len(slots.waiting) < limits.queue else None


def take(tx: Tx, account: str, kind: str) -> None:
    """Give a slot to a task that starts now."""
    tx.put("slots", account, slots_of(tx, account).with_one(kind, 1))


def line_up(tx: Tx, account: str, waiting: Waiting) -> None:
    """Put a task at the end of the line."""
    slots = slots_of(tx, account)
    tx.put("slots", account, slots._replace(waiting=(*slots.waiting, waiting)))


def leave(tx: Tx, account: str, task_id: str) -> None:
    """Take a task out of the line, because it ends or stays where it is."""
    slots: Slots | None = tx.get("slots", account)
    if slots is not None:
        left = tuple(one for one in slots.waiting if one.task_id != task_id)
        tx.put("slots", account, slots._replace(waiting=left))


def give_back(tx: Tx, account: str, kind: str) -> list[str]:
    """Free a slot and return the tasks that start now, each with a slot of its own, first come first."""
    slots: Slots | None = tx.get("slots", account)
    if slots is None:
        return []
    slots = slots.with_one(kind, -1)
    starting: list[str] = []
    left: list[Waiting] = []
    blocked: set[str] = set()
    for one in slots.waiting:
        if one.kind not in blocked and slots.free_for(one.kind, one.limits):
            slots = slots.with_one(one.kind, 1)
            starting.append(one.task_id)
        else:
            blocked.add(one.kind)
            left.append(one)
    tx.put("slots", account, slots._replace(waiting=tuple(left)))
    return starting
