"""Lets faults act on calls, tasks, callbacks and files, in the order in which `core.aiming` finds them.

The first that answers in place of the provider ends the list, all others add up. The strongest is applied last, so that
it has the last word.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from soundstage.core.aiming import Subject, at_work, of_a_task, the_call
from soundstage.core.bent import Applied, Bent, bent_of
from soundstage.core.call import Call, Reply
from soundstage.core.faults import Fault, Library, Outgoing, Place, Scene, Signing
from soundstage.core.outbox import Delivery, Planned
from soundstage.core.provider import CallbackScheme, Operation, Provider
from soundstage.core.randomness import Draw
from soundstage.core.rules import Book, book_of
from soundstage.core.task import Order, Task
from soundstage.core.view import Tx

APPLIED: Final = "X-Soundstage-Fault-Applied"
# Faults that multiply callbacks multiply each other; more than this of one task says nothing new.
_MOST_CALLBACKS: Final = 1000


@dataclass(frozen=True, slots=True)
class Bender:
    """Runs calls, callbacks and downloads of one world under the faults of its library."""

    library: Library

    def run(self, call: Call, tx: Tx, operation: Operation, provider: Provider, asked: tuple[Applied, ...]) -> Reply:
        """Run a call's handler with everything that is wrong with it."""
        subject = the_call(call, tx, operation, provider)
        acting = at_work(self.library, subject, asked)
        scenes = [(fault, _scene(subject, applied, call)) for applied, fault in acting]
        names = [applied.name for applied, _ in acting]
        reply = next((answer for fault, scene in scenes if (answer := fault.before(scene)) is not None), None)
        if reply is None:
            reply, more = self._handled(call, tx, operation, subject, asked)
            names += more
        for fault, scene in reversed(scenes):
            reply = fault.after(scene, reply)
        if not names:
            return reply
        return reply._replace(headers={**reply.headers, APPLIED: ", ".join(dict.fromkeys(names))})

    def _handled(
        self, call: Call, tx: Tx, operation: Operation, subject: Subject, asked: tuple[Applied, ...]
    ) -> tuple[Reply, list[str]]:
        provider = subject.provider
        if operation.role != "create":
            reply = operation.handle(call, tx)
            bent = bent_of(tx, call.params.get(provider.shape.poll_id, "")) if operation.role == "poll" else None
            return (reply, []) if bent is None else self._viewed(tx, provider, call, bent, reply)
        names: list[str] = []
        scenes: list[tuple[str, Fault, Scene]] = []

        def bend(order: Order, task_id: str) -> tuple[Order, Bent | None]:
            order, bent, acting = self._ordered(subject, call, order, asked)
            names.extend(() if bent is None else [applied.name for applied in bent.faults])
            scenes.extend((task_id, *one) for one in acting)
            return order, bent

        tx.bend = bend
        reply = operation.handle(call, tx)
        for task_id, fault, scene in reversed(scenes):
            reply = fault.after(scene._replace(task=tx.get("task", task_id)), reply)
        return reply, names

    def _ordered(
        self, subject: Subject, call: Call, order: Order, asked: tuple[Applied, ...]
    ) -> tuple[Order, Bent | None, list[tuple[Fault, Scene]]]:
        tx = subject.tx
        creating = replace(subject, place="task", model=order.model)
        acting = at_work(self.library, creating, asked)
        bent = Bent(tuple(applied for applied, _ in acting), price=order.price)
        scenes = [(fault, _scene(creating, applied, call)) for applied, fault in acting]
        for fault, scene in reversed(scenes):
            order = fault.order(scene, order)
            bent = fault.bend(scene, order, bent)
        later = tuple(one for one in asked if self.library.kind(one.name).place in {"callback", "file"})
        bent = bent._replace(faults=(*bent.faults, *later))
        if not bent.faults:
            return order, None, []
        if book_of(tx) is None:
            # From now on calls in this universe have to look for what is bent.
            tx.put("meta", "faults", Book())
        return order, bent, scenes

    def _viewed(self, tx: Tx, provider: Provider, call: Call, bent: Bent, reply: Reply) -> tuple[Reply, list[str]]:
        body = reply.body
        if reply.status != 200 or not isinstance(body, dict):
            return reply, []
        task: Task | None = tx.get("task", call.params[provider.shape.poll_id])
        seen, acted = self._seen(tx, provider, task, bent, body)
        return reply._replace(body=seen), acted

    def _seen(
        self, tx: Tx, provider: Provider, task: Task | None, bent: Bent, body: dict[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        acted = []
        for applied in reversed(bent.faults):
            scene = Scene(tx, provider, Draw(task.id if task else "", applied.name), "", task=task)
            seen = self.library.at_work(applied).view(scene, body)
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
        usual = [Planned(event, body, scheme.delay_ms)]
        if bent is None and book_of(tx) is None:
            return usual
        if bent is not None:
            usual = [Planned(event, self._seen_bytes(tx, provider, task, bent, body), scheme.delay_ms)]
        planned = usual
        for applied, fault, scene in self._of_task(tx, "callback", task, provider, base_url, event):
            planned = fault.plan(scene, planned)[:_MOST_CALLBACKS]
            planned = [one._replace(faults=(applied, *one.faults)) for one in planned]
        return planned

    def _seen_bytes(self, tx: Tx, provider: Provider, task: Task, bent: Bent, body: bytes) -> bytes:
        shown = json.loads(body)
        seen, acted = self._seen(tx, provider, task, bent, shown)
        return json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode() if acted else body

    def _of_task(
        self, tx: Tx, place: Place, task: Task, provider: Provider, base_url: str, *what: str
    ) -> Iterator[tuple[Applied, Fault, Scene]]:
        """Yield the faults that act on a task's callbacks or files, the weakest first."""
        bent = bent_of(tx, task.id)
        subject = of_a_task(task, tx, place, provider, *what)
        for applied, fault in reversed(at_work(self.library, subject, () if bent is None else bent.faults)):
            yield applied, fault, Scene(tx, provider, subject.draw_for(applied), base_url, task=task)

    def download(self, tx: Tx, task: Task, provider: Provider, reply: Reply, name: str) -> Reply:
        """Return how a task's file is sent, which was to be sent as `reply`."""
        if book_of(tx) is None:
            return reply
        names: list[str] = []
        for applied, fault, scene in self._of_task(tx, "file", task, provider, "", name):
            bent = fault.after(scene, fault.before(scene) or reply)
            if bent is not reply:
                names.insert(0, applied.name)
            reply = bent
        return reply._replace(headers={**reply.headers, APPLIED: ", ".join(names)}) if names else reply

    def attempt(
        self, tx: Tx, scheme: CallbackScheme, provider: Provider, delivery: Delivery, signing: Signing, number: int
    ) -> Outgoing:
        """Return one attempt of a delivery, signed, as it goes out."""
        honest = Outgoing(scheme.headers(delivery, signing.secret, signing.timestamp), delivery.body, number)
        if not delivery.faults:
            return honest
        acting = [
            (self.library.at_work(applied), Scene(tx, provider, Draw(delivery.id, applied.name), ""))
            for applied in reversed(delivery.faults)
        ]
        for fault, scene in acting:
            signing = fault.sign(scene, signing, number)
        outgoing = Outgoing(scheme.headers(delivery, signing.secret, signing.timestamp), delivery.body, number)
        for fault, scene in acting:
            outgoing = fault.send(scene, outgoing)
        signed = any("signature" in name for name in honest.headers)
        altered = dict(outgoing.headers) != dict(honest.headers) or outgoing.body != honest.body
        return outgoing._replace(forged=signed and altered)


def _scene(subject: Subject, applied: Applied, call: Call) -> Scene:
    return Scene(subject.tx, subject.provider, subject.draw_for(applied), call.base_url, subject.operation, call)
