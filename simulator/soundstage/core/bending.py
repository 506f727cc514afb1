"""Lets faults act on calls, tasks, callbacks and files, in the order in which `core.aiming` finds them.

The first that answers in place of the provider ends the list: those behind it neither count nor act. All others add up,
and the strongest is applied last, so that it has the last word.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from soundstage.core.aiming import OfCall, OfTask, at_work
from soundstage.core.bent import Applied, Bent, bent_of
from soundstage.core.call import Call, Reply
from soundstage.core.faults import (
    AttemptScene,
    CallbackFault,
    CallbackScene,
    CallScene,
    ExchangeFault,
    FileFault,
    Library,
    Outgoing,
    Signing,
    TaskFault,
    TaskScene,
)
from soundstage.core.outbox import Delivery, Planned
from soundstage.core.provider import CallbackScheme, Operation, Provider
from soundstage.core.randomness import Draw
from soundstage.core.rules import rules_of
from soundstage.core.task import BendingTx, Order, Task
from soundstage.core.view import Tx

# A fault at work on one reply: its name, and how it changes that.
_Acting = tuple[str, Callable[[Reply], Reply]]
APPLIED: Final = "X-Soundstage-Fault-Applied"
# Faults that multiply callbacks multiply each other; more than this of one task says nothing new.
_MOST_CALLBACKS: Final = 1000


def is_bent(tx: Tx) -> bool:
    """Tell whether calls in this universe may meet a fault that they did not ask for."""
    return tx.count("bent") > 0 or bool(rules_of(tx))


@dataclass(frozen=True, slots=True)
class Bender:
    """Runs calls, callbacks and downloads of one world under the faults of its library."""

    library: Library

    def run(self, call: Call, tx: Tx, operation: Operation, provider: Provider, asked: tuple[Applied, ...]) -> Reply:
        """Run a call's handler with everything that is wrong with it; `asked` are faults that fit this call."""
        subject = OfCall(tx, provider, operation, call)
        found = at_work(self.library, subject, ExchangeFault, asked)
        acting, answer = _until_answered(found, lambda draw: CallScene(tx, provider, draw, operation, call))
        if answer is not None:
            reply, within = answer, [acting[-1][0]]
        elif operation.role == "create":
            reply, within = self._created(subject, asked)
        else:
            reply, within = self._viewed(subject, operation.handle(call, tx))
        return _acted(acting, reply, within)

    def _created(self, subject: OfCall, asked: tuple[Applied, ...]) -> tuple[Reply, list[str]]:
        tx, call, operation = subject.tx, subject.call, subject.operation
        names: list[str] = []
        acting: list[tuple[str, TaskFault, CallScene]] = []

        def bend(order: Order, task_id: str) -> tuple[Order, Bent | None]:
            creating, price = replace(subject, ordered=order.model), order.price
            found = list(at_work(self.library, creating, TaskFault, asked))
            scenes = [
                (task_id, fault, CallScene(tx, subject.provider, draw, operation, call)) for _, fault, draw in found
            ]
            for _, fault, scene in reversed(scenes):
                order = fault.order(scene, order)
            faults = (*(applied for applied, _, _ in found), *(one for one in asked if self._is_later(one)))
            acting.extend(scenes)
            names.extend(applied.name for applied in faults)
            course = None if order.course is None else order.timeline
            return order, Bent(faults, course, order.refund, order.refund_after_ms, (), price) if faults else None

        bending = BendingTx(tx, bend)
        reply = operation.handle(call, bending)
        for task_id, fault, scene in reversed(acting):
            reply = fault.after(scene, tx.get("task", task_id), reply)
        return reply, names

    def _is_later(self, applied: Applied) -> bool:
        """Tell whether a fault asked for at a task's creation acts when there is something of it to send."""
        return isinstance(self.library.at_work(applied), CallbackFault | FileFault)

    def _viewed(self, subject: OfCall, reply: Reply) -> tuple[Reply, list[str]]:
        if subject.operation.role != "poll" or reply.status != 200 or not isinstance(reply.body, dict):
            return reply, []
        tx, provider = subject.tx, subject.provider
        task: Task | None = tx.get("task", subject.call.params.get(provider.shape.poll_id, ""))
        bent = None if task is None else bent_of(tx, task.id)
        if task is None or bent is None:
            return reply, []
        seen, acted = self._seen(tx, provider, task, bent, reply.body)
        return reply._replace(body=seen), acted

    def _seen(
        self, tx: Tx, provider: Provider, task: Task, bent: Bent, body: dict[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        acted = []
        for applied in reversed(bent.faults):
            fault = self.library.at_work(applied)
            if isinstance(fault, TaskFault):
                seen = fault.view(TaskScene(tx, provider, Draw(task.id, applied.name), task), body)
                if seen is not body:
                    acted.append(applied.name)
                body = seen
        return body, acted

    def callbacks(self, tx: Tx, task: Task, provider: Provider, base_url: str) -> list[Planned]:
        """Return the callbacks that a task's end brings: one, where nothing is wrong with it."""
        scheme = provider.callback
        if scheme is None or task.callback_url is None:
            return []
        bent, event, body = bent_of(tx, task.id), scheme.event(task), scheme.body(tx, task, base_url)
        if bent is not None:
            seen, acted = self._seen(tx, provider, task, bent, json.loads(body))
            body = json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode() if acted else body
        planned = [Planned(event, body, scheme.delay_ms)]
        asked = () if bent is None else bent.faults
        found = at_work(self.library, OfTask(tx, provider, task, event), CallbackFault, asked)
        for applied, fault, draw in reversed(list(found)):
            scene = CallbackScene(tx, provider, draw, task, scheme, base_url)
            planned = fault.plan(scene, planned)[:_MOST_CALLBACKS]
            planned = [one._replace(faults=(applied, *one.faults)) for one in planned]
        return planned

    def download(self, tx: Tx, task: Task, provider: Provider, reply: Reply, name: str) -> Reply:
        """Return how a task's file is sent, which was to be sent as `reply`."""
        bent = bent_of(tx, task.id)
        asked = () if bent is None else bent.faults
        found = at_work(self.library, OfTask(tx, provider, task, name), FileFault, asked)
        acting, answer = _until_answered(found, lambda draw: TaskScene(tx, provider, draw, task))
        within = [] if answer is None else [acting[-1][0]]
        return _acted(acting, reply if answer is None else answer, within)

    def attempt(
        self, tx: Tx, scheme: CallbackScheme, provider: Provider, delivery: Delivery, signing: Signing, number: int
    ) -> Outgoing:
        """Return one attempt of a delivery, signed, as it goes out."""
        honest = Outgoing(scheme.headers(delivery, signing.secret, signing.timestamp), delivery.body)
        if not delivery.faults:
            return honest
        acting = [
            (fault, AttemptScene(tx, provider, Draw(delivery.id, applied.name), scheme, number))
            for applied in reversed(delivery.faults)
            if isinstance(fault := self.library.at_work(applied), CallbackFault)
        ]
        for fault, scene in acting:
            signing = fault.sign(scene, signing)
        outgoing = honest._replace(headers=scheme.headers(delivery, signing.secret, signing.timestamp))
        for fault, scene in acting:
            outgoing = fault.send(scene, outgoing)
        signed = any("signature" in name for name in honest.headers)
        altered = dict(outgoing.headers) != dict(honest.headers) or outgoing.body != honest.body
        return outgoing._replace(forged=signed and altered)


def _until_answered(
    found: Iterable[tuple[Applied, Any, Draw]], scene_of: Callable[[Draw], CallScene | TaskScene]
) -> tuple[list[_Acting], Reply | None]:
    """Return the faults that act on a reply and what the last of them answers; those behind it are never looked for."""
    acting: list[_Acting] = []
    for applied, fault, draw in found:
        scene = scene_of(draw)
        acting.append((applied.name, partial(fault.after, scene)))
        answer: Reply | None = fault.before(scene)
        if answer is not None:
            return acting, answer
    return acting, None


def _acted(acting: list[_Acting], reply: Reply, within: list[str]) -> Reply:
    """Return a reply as its faults let it leave, the names of those that changed it in front of the others'."""
    changed: list[str] = []
    for name, changing in reversed(acting):
        before, reply = reply, changing(reply)
        if reply is not before:
            changed.insert(0, name)
    names = [*changed, *within]
    if not names:
        return reply
    return reply._replace(headers={**reply.headers, APPLIED: ", ".join(dict.fromkeys(names))})
