"""Says in plain words what happened to a task and why: price, faults, timeline, ledger, callbacks."""

from collections.abc import Mapping, Sequence

from soundstage.core import timeline as tl
from soundstage.core.bent import Applied, Bent, shown_parameters
from soundstage.core.clock import iso
from soundstage.core.money import decimal_text
from soundstage.core.outbox import Delivery
from soundstage.core.provider import Provider
from soundstage.core.task import Task
from soundstage.core.wallet import charged, listed, total

_MOVED = {
    "reserve": "{} were reserved",
    "settle": "{} were spent",
    "release": "{} were given back because the task did not succeed or cost less",
    "refund": "{} were refunded",
}


def explain(
    task: Task,
    provider: Provider,
    deliveries: Sequence[Delivery],
    now: int,
    *,
    bent: Bent | None = None,
    faults: Mapping[Applied, str] | None = None,
) -> str:
    """Return a few sentences about a task as it stands at `now`; `faults` are those at work, with what each says."""
    bent = bent or Bent()
    sentences = [
        f"{provider.title} accepted {task.operation} at {iso(task.created_at)}.",
        f"{provider.explain_price(task)}.",
        *([] if provider.explain_route is None else [f"{provider.explain_route(task)}."]),
        *(_fault(applied, says) for applied, says in (faults or {}).items()),
        *_price(task, bent),
        _where(task, bent, now),
    ]
    moved = [f"{_MOVED[kind].format(decimal_text(sum_))} at {iso(at)}" for kind, at, sum_ in listed(task.movements)]
    sentences.append(f"Ledger: {'; '.join(moved)}; charged now: {decimal_text(charged(task.movements))}.")
    sentences += _refund(task, bent, now)
    sentences += _callbacks(task, deliveries)
    return " ".join(sentences)


def _fault(applied: Applied, says: str) -> str:
    params = ", ".join(f"{name} {value}" for name, value in shown_parameters(applied.params).items())
    return f"Fault {applied.name}{f' with {params}' if params else ''}, asked for by {applied.origin}: {says}"


def _price(task: Task, bent: Bent) -> list[str]:
    reserved = total(task.movements, "reserve")
    if not bent.faults or reserved == bent.price:
        return []
    return [f"Without a fault {decimal_text(bent.price)} would have been reserved, not {decimal_text(reserved)}."]


def _where(task: Task, bent: Bent, now: int) -> str:
    state, ends = task.state(now), task.ends_at
    if state == "failed":
        return f"It failed{'' if ends is None else f' at {iso(ends)}'}: {task.reason or 'no reason was given'}."
    if state in {"succeeded", "cancelled"}:
        return f"It {state if state == 'succeeded' else 'was cancelled'}{'' if ends is None else f' at {iso(ends)}'}."
    if task.queued:
        return f"It is {state}, in line for a slot; when it starts depends on those before it."
    if ends is None:
        endless = bent.timeline is not None and tl.end_of(bent.timeline) is None
        return f"It is {state} and will stay so, because {'a fault wants it so' if endless else 'it was stalled'}."
    return f"It is {state} and will end as {task.outcome} at {iso(ends)}."


def _refund(task: Task, bent: Bent, now: int) -> list[str]:
    """Tell what a fault makes of the credits of a task that did not succeed."""
    if bent.refund == "usual" or task.state(now) not in {"failed", "cancelled"}:
        return []
    if task.due is not None:
        return [f"Because of a fault its credits come back late, at {iso(task.due[0])}."]
    if bent.refund == "never":
        return ["Because of a fault its credits do not come back."]
    return ["Because of a fault its credits came back twice."] if bent.refund == "twice" else []


def _callbacks(task: Task, deliveries: Sequence[Delivery]) -> list[str]:
    if task.callback_url is None:
        return ["Nobody asked for a callback: the request named no receiver and the key has no default one."]
    if not deliveries:
        return [f"A callback to {task.callback_url} will be scheduled when it ends."]
    return [_callback(one) for one in deliveries]


def _callback(delivery: Delivery) -> str:
    tries = len(delivery.attempts)
    last = delivery.attempts[-1] if delivery.attempts else None
    came = "" if last is None else f", the last one answered by {last.error or last.status}"
    due = (
        ""
        if delivery.due is None or delivery.state != "pending"
        else f"; the next attempt is due {iso(delivery.due[0])}"
    )
    return f"Callback to {delivery.url}: {delivery.state} after {tries} attempts{came}{due}."
