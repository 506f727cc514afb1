"""Says in plain words what happened to a task and why: price, timeline, ledger, callbacks."""

from soundstage.core.clock import iso
from soundstage.core.money import decimal_text
from soundstage.core.outbox import Delivery
from soundstage.core.provider import Provider
from soundstage.core.task import Task
from soundstage.core.wallet import charged, listed

_MOVED = {
    "reserve": "{} were reserved",
    "settle": "{} were spent",
    "release": "{} were given back because the task did not succeed or cost less",
    "refund": "{} were refunded",
}


def explain(task: Task, provider: Provider, delivery: Delivery | None, now: int) -> str:
    """Return a few sentences about a task as it stands at `now`."""
    sentences = [
        f"{provider.title} accepted {task.operation} at {iso(task.created_at)}.",
        f"{provider.explain_price(task)}.",
        *([] if provider.explain_route is None else [f"{provider.explain_route(task)}."]),
        _where(task, now),
    ]
    moved = [f"{_MOVED[kind].format(decimal_text(sum_))} at {iso(at)}" for kind, at, sum_ in listed(task.movements)]
    sentences.append(f"Ledger: {'; '.join(moved)}; charged now: {decimal_text(charged(task.movements))}.")
    sentences.append(_callback(task, delivery, now))
    return " ".join(sentences)


def _where(task: Task, now: int) -> str:
    state, ends = task.state(now), task.ends_at
    if state == "failed":
        return f"It failed{'' if ends is None else f' at {iso(ends)}'}: {task.reason or 'no reason was given'}."
    if state in {"succeeded", "cancelled"}:
        return f"It {state if state == 'succeeded' else 'was cancelled'}{'' if ends is None else f' at {iso(ends)}'}."
    if ends is None:
        return f"It is {state} and will stay so, because it was stalled."
    return f"It is {state} and will end as {task.outcome} at {iso(ends)}."


def _callback(task: Task, delivery: Delivery | None, now: int) -> str:
    if task.callback_url is None:
        return "Nobody asked for a callback: the request named no receiver and the key has no default one."
    if delivery is None:
        return f"A callback to {task.callback_url} will be scheduled when it ends."
    tries = len(delivery.attempts)
    last = delivery.attempts[-1] if delivery.attempts else None
    came = "" if last is None else f", the last one answered by {last.error or last.status}"
    due = (
        ""
        if delivery.due is None or delivery.state != "pending"
        else f"; the next attempt is due {iso(delivery.due[0])}"
    )
    return f"Callback to {delivery.url}: {delivery.state} after {tries} attempts{came}{due}."
