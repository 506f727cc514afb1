"""Finds the faults that act on a call, a task, a callback or a file: holds rules against it, counts and draws.

All that match act, in one order: asked for by the request itself, then rules set by hand, then the scenario, then the
key's suffix. What a rule counts and draws is kept in the universe and hashed from its seed, so the same calls meet the
same faults, in whatever order they arrive.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

from soundstage.core.bent import Applied
from soundstage.core.call import Call
from soundstage.core.faults import Fault, Library, Place
from soundstage.core.provider import Operation, Provider
from soundstage.core.randomness import Draw, fingerprint
from soundstage.core.rules import Aim, Rule, book_of
from soundstage.core.task import Task
from soundstage.core.universe import find_universe
from soundstage.core.view import Tx

_DRAWS: Final = 2**53
_MOST_DRAWN: Final = 1_000_000


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

    def draw_for(self, applied: Applied) -> Draw:
        """Return the draw of one fault at work on it."""
        return Draw(self.draw.origin, applied.name, applied.params)

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
    own = Draw(subject.draw.origin, rule.fault, rule.params, repr(rule.aim))
    return own.bits("probability") % _DRAWS / _DRAWS


def the_call(call: Call, tx: Tx, operation: Operation, provider: Provider) -> Subject:
    """Return a call as rules see it."""
    body = call.body if isinstance(call.body, dict) else {}
    return Subject(
        tx,
        "exchange",
        provider,
        call.key.id,
        body,
        (operation.id, *call.params.values(), _canonical(body, provider)),
        operation,
        model=_model_of(tx, call, provider, body),
    )


def of_a_task(task: Task, tx: Tx, place: Place, provider: Provider, *what: str) -> Subject:
    """Return a task's callback or file as rules see it; `what` tells several apart."""
    body, identity = json.loads(task.request), (task.id, *what)
    return Subject(tx, place, provider, task.key_id, body, identity, created_by=task.operation, model=task.model)


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
