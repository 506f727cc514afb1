"""The outbox: at least once, the same bytes every time, retries counted from the time they were due."""

from dataclasses import replace

import pytest

from soundstage.core import outbox
from soundstage.core.clock import MANUAL_START, Clock
from soundstage.core.outbox import Attempt, Delivery, Planned
from soundstage.core.view import Tx
from soundstage.core.world import due_in
from unit.stage import MANUAL, SEEDANCE, WALL, Stage, after, opened

HOOK = "http://127.0.0.1:9/hook"
FAILED = Attempt(0, 503, None, ())


def scheduled(tx: Tx, task_id: str = "t", *, event: str = "video.completed", delay_ms: int = 0) -> Delivery:
    planned = Planned(event, b'{"n":1}', delay_ms)
    return outbox.schedule(tx, planned, task_id=task_id, provider="midsync", key_id="k", url=HOOK)


def claimed(tx: Tx, now: int) -> tuple[Tx, Delivery]:
    later = after(tx, now)
    found = outbox.claim(later, later.first("attempt"))
    assert found is not None
    return later, found


def attempts(tx: Tx) -> list[object]:
    return [key for key, _ in tx.scan("attempt")]


@pytest.mark.parametrize("delay_ms", [0, 250])
def test_the_first_attempt_is_due_after_the_delay(delay_ms: int) -> None:
    tx = opened()
    delivery = scheduled(tx, delay_ms=delay_ms)
    assert delivery.due is not None
    assert delivery.due[0] == MANUAL_START + delay_ms
    assert attempts(tx) == [delivery.due]
    assert (delivery.state, delivery.created_at) == ("pending", MANUAL_START)


def test_ids_say_which_task_and_event_and_nothing_else_changes_them() -> None:
    one, again = scheduled(opened()), scheduled(opened(), delay_ms=9)
    assert (one.id, one.event_id) == (again.id, again.event_id)
    others = [scheduled(opened(), "t2"), scheduled(opened(), event="video.failed")]
    assert len({one.event_id, *(other.event_id for other in others)}) == 3
    assert len({one.id, *(other.id for other in others)}) == 3


def test_an_attempt_can_be_claimed_once() -> None:
    tx = opened()
    due = scheduled(tx).due
    assert due is not None
    later, delivery = claimed(tx, MANUAL_START)
    assert delivery.state == "in_flight"
    assert outbox.claim(later, due) is None
    assert attempts(later) == []


def test_the_claim_of_a_delivery_that_is_gone_takes_its_attempt_away() -> None:
    tx = opened()
    delivery = scheduled(tx)
    tx.delete("delivery", delivery.id)
    assert delivery.due is not None
    assert outbox.claim(tx, delivery.due) is None
    assert attempts(tx) == []


def test_a_retry_is_counted_from_the_due_time_not_from_the_answer() -> None:
    tx = opened()
    scheduled(tx)
    later, delivery = claimed(tx, MANUAL_START + 4_000)
    answered = outbox.answer(later, delivery, FAILED, "pending", 5_000)
    assert answered is not None
    assert answered.due is not None
    assert answered.due[0] == MANUAL_START + 5_000
    assert attempts(later) == [answered.due]


@pytest.mark.parametrize(("clock", "expected"), [(Clock("scaled", 10.0), 500), (Clock("real"), 5_000), (MANUAL, 5_000)])
def test_speed_shortens_the_wait_for_a_retry_in_scaled_mode_only(clock: Clock, expected: int) -> None:
    tx = opened(clock)
    first = scheduled(tx).due
    later, delivery = claimed(tx, tx.now)
    answered = outbox.answer(later, delivery, FAILED, "pending", 5_000)
    assert first is not None
    assert answered is not None
    assert answered.due is not None
    assert answered.due[0] - first[0] == expected


def test_a_retry_is_always_later_than_what_it_repeats() -> None:
    tx = opened(Clock("scaled", 1e9), wall=WALL)
    scheduled(tx)
    later, delivery = claimed(tx, WALL)
    answered = outbox.answer(later, delivery, FAILED, "pending", 1)
    assert answered is not None
    assert answered.due is not None
    assert answered.due[0] == WALL + 1


def test_event_id_and_body_are_the_same_at_every_attempt() -> None:
    tx = opened()
    first = scheduled(tx)
    now = MANUAL_START
    for number in range(4):
        tx, delivery = claimed(tx, now)
        assert (delivery.id, delivery.event_id, delivery.body) == (first.id, first.event_id, first.body)
        answered = outbox.answer(tx, delivery, FAILED, "pending", 1_000)
        assert answered is not None
        assert len(answered.attempts) == number + 1
        assert answered.due is not None
        now = answered.due[0]
    assert now == MANUAL_START + 4_000


def test_a_delivery_that_is_done_is_due_no_more_and_a_late_answer_changes_nothing() -> None:
    tx = opened()
    scheduled(tx)
    later, delivery = claimed(tx, MANUAL_START)
    done = outbox.answer(later, delivery, Attempt(1, 200, None, ()), "delivered", None)
    assert done is not None
    assert (done.state, done.due, attempts(later)) == ("delivered", None, [])
    assert outbox.answer(later, delivery, FAILED, "pending", 1) is None
    assert outbox.find(later, delivery.id) == done
    assert outbox.answer(later, replace(delivery, id="dlv_unknown"), FAILED, "pending", 1) is None


def test_resending_keeps_event_id_body_and_past_attempts() -> None:
    tx = opened()
    scheduled(tx)
    later, delivery = claimed(tx, MANUAL_START)
    done = outbox.answer(later, delivery, FAILED, "exhausted", None)
    assert done is not None
    latest = after(later, MANUAL_START + 77)
    again = outbox.resend(latest, done)
    assert (again.id, again.event_id, again.body) == (delivery.id, delivery.event_id, delivery.body)
    assert (again.attempts, again.resends, again.state) == ((FAILED,), 1, "pending")
    assert again.due is not None
    assert again.due[0] == MANUAL_START + 77
    assert attempts(latest) == [again.due]


def test_resending_what_awaits_an_attempt_makes_it_due_now_and_only_once() -> None:
    tx = opened()
    delivery = scheduled(tx, delay_ms=60_000)
    later = after(tx, MANUAL_START + 5)
    again = outbox.resend(later, delivery)
    assert attempts(later) == [again.due]
    assert again.due is not None
    assert again.due[0] == MANUAL_START + 5


def test_resending_what_is_being_attempted_is_refused() -> None:
    tx = opened()
    scheduled(tx)
    later, delivery = claimed(tx, MANUAL_START)
    with pytest.raises(ValueError, match="is being attempted right now"):
        outbox.resend(later, delivery)


def test_what_is_due_at_one_instant_goes_in_order_of_scheduling() -> None:
    tx = opened()
    order = [scheduled(tx, f"t{number}").id for number in (5, 1, 3)]
    taken = []
    for _ in order:
        tx, delivery = claimed(tx, MANUAL_START)
        taken.append(delivery.id)
    assert taken == order


def test_a_task_that_ends_schedules_its_callback_at_its_own_time_and_settles_in_the_same_step() -> None:
    stage = Stage()
    stage.create({**SEEDANCE, "callbackUrl": HOOK})
    (task,) = stage.rows("task")
    stage.forward(10**8)
    (delivery,) = stage.rows("delivery")
    (ended,) = stage.rows("task")
    assert (delivery.task_id, delivery.url, delivery.event) == (task.id, HOOK, "video.completed")
    assert delivery.created_at == task.ends_at
    assert ended.delivery == delivery.id
    view = stage.world.store.peek(stage.universe)
    assert view is not None
    assert (due_in(view).event, due_in(view).attempt, due_in(view).first) == (
        None,
        task.ends_at,
        task.ends_at,
    )


def test_the_answer_of_an_attempt_from_before_a_reset_does_not_touch_its_namesake() -> None:
    tx = opened()
    scheduled(tx)
    later, delivery = claimed(tx, MANUAL_START)
    from_before = replace(delivery, due=(MANUAL_START - 1, 1))
    assert outbox.answer(later, from_before, Attempt(1, 200, None, ()), "delivered", None) is None
    assert outbox.find(later, delivery.id) == delivery
