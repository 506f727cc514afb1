"""The outbox: callbacks to be delivered at least once, each with its attempts.

A delivery's body and event id are fixed when it is scheduled. An attempt is claimed in one step, made over HTTP
outside any step, and answered in another, which schedules the next one, counted from this one's due time.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from soundstage.core.bent import Applied, Bent, bent_of
from soundstage.core.randomness import Draw
from soundstage.core.universe import the_universe
from soundstage.core.view import Tx

DeliveryState = Literal["pending", "in_flight", "delivered", "exhausted", "blocked", "refused", "dropped"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when, what came back (0 when nothing did), why it failed, and the headers that were sent.

    A `forged` one was not signed as the provider signs: an honest receiver refuses it.
    """

    at: int
    status: int
    error: str | None
    headers: tuple[tuple[str, str], ...]
    forged: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback: where it goes, its fixed bytes, and how far it has come."""

    id: str
    event_id: str
    event: str
    task_id: str
    provider: str
    key_id: str
    url: str
    body: bytes
    state: DeliveryState
    created_at: int
    due: tuple[int, int] | None
    attempts: tuple[Attempt, ...] = ()
    resends: int = 0
    faults: tuple[Applied, ...] = ()


class Planned(NamedTuple):
    """A callback as the end of a task brings it; `delay_ms` is before the clock's speed.

    One that is `dropped` is never attempted. `faults` act on its attempts, the strongest first.
    """

    event: str
    body: bytes
    delay_ms: int = 0
    dropped: bool = False
    faults: tuple[Applied, ...] = ()


def schedule(
    tx: Tx, planned: Planned, *, task_id: str, provider: str, key_id: str, url: str, copy: int = 0
) -> Delivery:
    """Add a callback to the outbox, its first attempt due after its delay; a dropped one is only written down.

    `copy` tells the callbacks of one task apart: those of one event share its id.
    """
    draw = Draw(task_id, planned.event)
    label = f"delivery {copy}" if copy else "delivery"
    span = the_universe(tx).clock.span(planned.delay_ms) if planned.delay_ms else 0
    due = None if planned.dropped else (tx.now + span, tx.serial())
    delivery = Delivery(
        id=f"dlv_{draw.hex(label, 20)}",
        event_id=f"evt_{draw.hex('event', 24)}",
        event=planned.event,
        task_id=task_id,
        provider=provider,
        key_id=key_id,
        url=url,
        body=planned.body,
        state="dropped" if due is None else "pending",
        created_at=tx.now,
        due=due,
        faults=planned.faults,
    )
    tx.put("delivery", delivery.id, delivery)
    if due is not None:
        tx.put("attempt", due, delivery.id)
    return delivery


def keep_further(tx: Tx, task_id: str, deliveries: list[Delivery]) -> None:
    """Write down which callbacks a task's end brought beyond the one that its row names."""
    if len(deliveries) > 1:
        bent = bent_of(tx, task_id) or Bent()
        tx.put("bent", task_id, bent._replace(deliveries=tuple(one.id for one in deliveries[1:])))


def of_task(tx: Tx, task_id: str, first: str | None) -> list[Delivery]:
    """Return the callbacks of a task's end, `first` being the one that its row names."""
    bent = bent_of(tx, task_id)
    ids = (() if first is None else (first,)) + (() if bent is None else bent.deliveries)
    return [found for one in ids if (found := find(tx, one)) is not None]


def find(tx: Tx, delivery_id: str) -> Delivery | None:
    """Return one delivery."""
    found: Delivery | None = tx.get("delivery", delivery_id)
    return found


def claim(tx: Tx, due: tuple[int, int]) -> Delivery | None:
    """Take the attempt that is due; None when another took it or the delivery is gone."""
    delivery_id = tx.get("attempt", due)
    if delivery_id is None:
        return None
    tx.delete("attempt", due)
    delivery = find(tx, delivery_id)
    if delivery is None or delivery.due != due:
        return None
    claimed = replace(delivery, state="in_flight", due=due)
    tx.put("delivery", claimed.id, claimed)
    return claimed


def answer(
    tx: Tx, claimed: Delivery, attempt: Attempt, state: DeliveryState, retry_after_ms: int | None
) -> Delivery | None:
    """Record an attempt; with `retry_after_ms` the next one falls due so long after this one's due time.

    None when the delivery is no longer the one that was claimed, because the universe was reset meanwhile.
    """
    delivery = find(tx, claimed.id)
    if delivery is None or delivery.due is None or delivery.state != "in_flight" or delivery.due != claimed.due:
        return None
    due = None
    if retry_after_ms is not None:
        span = the_universe(tx).clock.span(retry_after_ms)
        due = (max(delivery.due[0] + span, delivery.due[0] + 1), tx.serial())
        tx.put("attempt", due, delivery.id)
    answered = replace(delivery, state=state, due=due, attempts=(*delivery.attempts, attempt))
    tx.put("delivery", answered.id, answered)
    return answered


def resend(tx: Tx, delivery: Delivery) -> Delivery:
    """Make one more attempt due now, with the same event id and body.

    Raises ValueError while an attempt is under way, because two at once could not be told apart.
    """
    if delivery.state == "in_flight":
        raise ValueError(f"delivery {delivery.id} is being attempted right now; resend it when that is answered")
    if delivery.due is not None:
        tx.delete("attempt", delivery.due)
    due = (tx.now, tx.serial())
    again = replace(delivery, state="pending", due=due, resends=delivery.resends + 1)
    tx.put("delivery", again.id, again)
    tx.put("attempt", due, again.id)
    return again
