"""Finds the faults that act on a call, a task, a callback or a file, and lets them act.

All that match act, in one order: asked for by the request itself, then rules set by hand, then the scenario, then the
key's suffix. The first that answers in place of the provider ends the list. What a rule counts and draws is kept in
the universe and hashed from its seed, so the same calls meet the same faults, in whatever order they arrive.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

from soundstage.core.bent import Applied, Bent, bent_of
from soundstage.core.call import Call, Reply
from soundstage.core.faults import Fault, Library, Outgoing, Place, Scene, Signing
from soundstage.core.outbox import Delivery, Planned
from soundstage.core.provider import CallbackScheme, Operation, Provider
from soundstage.core.randomness import Draw, fingerprint
from soundstage.core.rules import Aim, Book, Rule, book_of
from soundstage.core.task import Order, Task
from soundstage.core.universe import find_universe
from soundstage.core.view import Tx

APPLIED: Final = "X-Soundstage-Fault-Applied"
_DRAWS: Final = 2**53
_MOST_DRAWN: Final = 1_000_000
# Faults that multiply callbacks multiply each other; more than this of one task says nothing new.
_MOST_CALLBACKS: Final = 1000


@dataclass(frozen=True)
class Subject:
    """What rules are held against. `body` is the request's, of the call or of the one that created the task."""

    tx: Tx
    place: Place
    provider: Provider
    key_id: str
    body: Mapping[str, Any]
    identity: tuple[str | bytes, ...]
    operation: Operation | None = None
    created_by: str = ""
    model: str = ""

    @cached_property
    def draw(self) -> Draw:
        """The draw of this occurrence: equal subjects are told apart by the order in which they come."""
        occurrence = 1 if self.place == "callback" else self._occurrence()
        universe = find_universe(self.tx)
        seed, name = ("", "") if universe is None else (str(universe.seed), universe.name)
        return Draw(seed, name, self.place, *self.identity, str(occurrence))

    def _occurrence(self) -> int:
        tx, same = self.tx, int.from_bytes(fingerprint("aim", self.place, *self.identity)[:8], "big")
        occurrence: int = (tx.get("drawn", same) or 0) + 1
        tx.put("drawn", same, occurrence)
        if tx.count("drawn") > _MOST_DRAWN:
            # Only a repeat of a call this old would meet the faults of its first time again.
            tx.delete("drawn", next(tx.oldest("drawn", 1)))
        return occurrence


def at_work(library: Library, subject: Subject, asked: tuple[Applied, ...] = ()) -> list[tuple[Applied, Fault]]:
    """Return the faults that act on a subject, in their order, and count them."""
    found = [(one, library.at_work(one)) for one in asked if _asked(library.kind(one.name), subject)]
    book = book_of(subject.tx)
    for rule in () if book is None else book.all():
        kind = library.kind(rule.fault)
        if kind.place == subject.place and _aimed(rule, kind, subject) and _counts(rule, subject):
            applied = Applied(rule.fault, rule.params, rule.origin)
            found.append((applied, library.at_work(applied)))
    return found


def _asked(kind: type[Fault], subject: Subject) -> bool:
    role = None if subject.operation is None else subject.operation.role
    return kind.place == subject.place and (role is None or not kind.roles or role in kind.roles)


def _aimed(rule: Rule, kind: type[Fault], subject: Subject) -> bool:
    aim, now = rule.aim, subject.tx.now
    return (
        _calls(aim, kind, subject)
        and (aim.provider is None or aim.provider == subject.provider.id)
        and (aim.model is None or fnmatchcase(subject.model, aim.model))
        and (aim.keys is None or subject.key_id in aim.keys)
        and all(_has(subject.body, path, wanted) for path, wanted in aim.fields)
        and (aim.since is None or now >= aim.since)
        and (aim.until is None or now < aim.until)
        and (aim.after_ms is None or now >= rule.set_at + aim.after_ms)
        and (aim.before_ms is None or now < rule.set_at + aim.before_ms)
    )


def _calls(aim: Aim, kind: type[Fault], subject: Subject) -> bool:
    operation = subject.operation
    if operation is None:
        return aim.operation in {None, "create", subject.created_by}
    if aim.operation is not None:
        return aim.operation in {operation.id, operation.role}
    return not kind.roles or operation.role in kind.roles


def _has(body: Mapping[str, Any], path: str, wanted: Any) -> bool:
    value: Any = body
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    values = value if isinstance(value, list) else [value]
    if isinstance(wanted, str):
        return any(fnmatchcase(one if isinstance(one, str) else json.dumps(one), wanted) for one in values)
    return any(type(one) is type(wanted) and one == wanted for one in [value, *values])


def _counts(rule: Rule, subject: Subject) -> bool:
    """Count one match of a rule and tell whether it acts on this one."""
    aim, tx = rule.aim, subject.tx
    matched, applied = tx.get("aimed", rule.id) or (0, 0)
    matched += 1
    acts = (
        (aim.nth is None or matched == aim.nth)
        and (aim.first is None or matched <= aim.first)
        and (aim.every is None or matched % aim.every == 0)
        and (aim.times is None or applied < aim.times)
        and (aim.probability is None or _drawn(rule, subject) < aim.probability)
    )
    tx.put("aimed", rule.id, (matched, applied + acts))
    return acts


def _drawn(rule: Rule, subject: Subject) -> float:
    # By the rule's content and not by its id, so that setting it again repeats what it did.
    return Draw(subject.draw.origin, rule.fault, rule.params).bits("probability") % _DRAWS / _DRAWS


@dataclass(frozen=True, slots=True)
class Bender:
    """Runs calls, callbacks and downloads of one world under the faults of its library."""

    library: Library

    def run(self, call: Call, tx: Tx, operation: Operation, provider: Provider, asked: tuple[Applied, ...]) -> Reply:
        """Run a call's handler with everything that is wrong with it."""
        body = call.body if isinstance(call.body, dict) else {}
        subject = Subject(
            tx,
            "exchange",
            provider,
            call.key.id,
            body,
            (operation.id, *call.params.values(), _canonical(body, provider)),
            operation,
            model=_model_of(tx, call, provider, body),
        )
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
        creating = Subject(
            tx,
            "task",
            subject.provider,
            subject.key_id,
            subject.body,
            subject.identity,
            subject.operation,
            "",
            order.model,
        )
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
        subject = Subject(
            tx,
            place,
            provider,
            task.key_id,
            json.loads(task.request),
            (task.id, *what),
            created_by=task.operation,
            model=task.model,
        )
        for applied, fault in reversed(at_work(self.library, subject, () if bent is None else bent.faults)):
            yield applied, fault, Scene(tx, provider, _draw(subject, applied), base_url, task=task)

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
    return Scene(subject.tx, subject.provider, _draw(subject, applied), call.base_url, subject.operation, call)


def _draw(subject: Subject, applied: Applied) -> Draw:
    return Draw(subject.draw.origin, applied.name, applied.params)


def _model_of(tx: Tx, call: Call, provider: Provider, body: Mapping[str, Any]) -> str:
    """Return the model a call is about: named in its body, or that of the task in its path."""
    named = body.get("model")
    if isinstance(named, list) and len(named) == 1:
        named = named[0]
    if isinstance(named, str):
        return named
    task: Task | None = tx.get("task", call.params.get(provider.shape.poll_id, ""))
    return "" if task is None else task.model


def _canonical(body: Mapping[str, Any], provider: Provider) -> bytes:
    """Return a body without what differs between two runs: where its callback goes."""
    told = {name: value for name, value in body.items() if name != provider.shape.callback_url}
    return json.dumps(told, sort_keys=True, default=str, separators=(",", ":")).encode("utf-8", "surrogatepass")
