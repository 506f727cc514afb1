"""Finds the faults that act on a call, a task, a callback or a file: holds rules against it, counts and draws.

All that match act, in one order: asked for by the request itself, then rules set by hand, then the scenario, then the
key's suffix, up to one that answers in place of the provider. What a rule counts and draws is kept in the universe and
hashed from its seed, so the same calls meet the same faults, in whatever order they arrive. Each rule counts for
itself, so none changes another's chances.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final, TypeVar

from soundstage.core.bent import Applied
from soundstage.core.call import Call
from soundstage.core.faults import Fault, Library
from soundstage.core.fitness import meets, unfit_for_call, unfit_for_provider
from soundstage.core.paths import ABSENT, at
from soundstage.core.provider import Operation, Provider
from soundstage.core.randomness import Draw, fingerprint
from soundstage.core.rules import Aim, Rule, count_match, counting_since, counts_of, rules_of
from soundstage.core.task import Task
from soundstage.core.universe import find_universe
from soundstage.core.view import Tx

F = TypeVar("F", bound=Fault)
_MOST_DRAWN: Final = 1_000_000


@dataclass(frozen=True)
class OfCall:
    """A call as rules see it, or a task it creates, whose `model` its order names."""

    tx: Tx
    provider: Provider
    operation: Operation
    call: Call
    ordered: str | None = None

    @property
    def key_id(self) -> str:
        """Whose call it is."""
        return self.call.key.id

    @property
    def body(self) -> Mapping[str, Any]:
        """The request's body."""
        return self.call.body if isinstance(self.call.body, dict) else {}

    @cached_property
    def model(self) -> str:
        """The model it is about: of the order, named in its body, or that of the task in its path."""
        named = self.body.get("model") if self.ordered is None else self.ordered
        if isinstance(named, list) and len(named) == 1:
            named = named[0]
        if isinstance(named, str):
            return named
        task: Task | None = self.tx.get("task", self.call.params.get(self.provider.shape.poll_id, ""))
        return "" if task is None else task.model

    @cached_property
    def identity(self) -> tuple[str | bytes, ...]:
        """What equal calls have in common: all but where a callback goes, which differs between two runs."""
        told = {name: value for name, value in self.body.items() if name != self.provider.shape.callback_url}
        canonical = json.dumps(told, sort_keys=True, default=str, separators=(",", ":"))
        return (self.operation.id, *self.call.params.values(), canonical.encode("utf-8", "surrogatepass"))

    def met_by(self, aim: Aim, kind: type[Fault]) -> bool:
        """Tell whether a rule's aim is this kind of call, and its fault means anything for it."""
        fits = not kind.needs or unfit_for_call(kind, self.call, self.provider) is None
        return meets(kind, aim, self.operation) and fits


@dataclass(frozen=True)
class OfTask:
    """A task's callback or file as rules see it; `what` tells several apart."""

    tx: Tx
    provider: Provider
    task: Task
    what: str

    @property
    def key_id(self) -> str:
        """Whose task it is."""
        return self.task.key_id

    @property
    def model(self) -> str:
        """The task's model."""
        return self.task.model

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The body of the request that created the task."""
        body: Mapping[str, Any] = json.loads(self.task.request)
        return body

    @property
    def identity(self) -> tuple[str | bytes, ...]:
        """The task, and which of its callbacks or files."""
        return (self.task.id, self.what)

    def met_by(self, aim: Aim, kind: type[Fault]) -> bool:
        """Tell whether a rule's aim is the call that created the task, and its fault means anything for it."""
        fits = not kind.needs or unfit_for_provider(kind, self.provider) is None
        return fits and aim.operation in {None, "create", self.task.operation}


Subject = OfCall | OfTask
_ANYTHING: Final = Aim()


def at_work(
    library: Library, subject: Subject, kind: type[F], asked: tuple[Applied, ...] = ()
) -> Iterator[tuple[Applied, F, Draw]]:
    """Yield the faults of a kind that act on a subject, in their order and with what each draws.

    Each is counted when it is its turn: those that nobody asks for have neither matched nor drawn.
    """
    for applied in asked:
        fault = library.at_work(applied)
        if isinstance(fault, kind) and subject.met_by(_ANYTHING, type(fault)):
            yield applied, fault, _draw(subject, kind, applied, "asked")
    for rule in rules_of(subject.tx):
        fault = library.at_work(rule.applied)
        if isinstance(fault, kind) and subject.met_by(rule.aim, type(fault)) and _aimed(rule, subject):
            draw = _acts(rule, subject, kind)
            if draw is not None:
                yield rule.applied, fault, draw


def _aimed(rule: Rule, subject: Subject) -> bool:
    aim, now = rule.aim, subject.tx.now
    return (
        (aim.provider is None or aim.provider == subject.provider.id)
        and (aim.keys is None or subject.key_id in aim.keys)
        and (aim.since is None or now >= aim.since)
        and (aim.until is None or now < aim.until)
        and (aim.after_ms is None or now >= rule.set_at + aim.after_ms)
        and (aim.before_ms is None or now < rule.set_at + aim.before_ms)
        and (aim.model is None or fnmatchcase(subject.model, aim.model))
        and all(_has(subject.body, path, wanted) for path, wanted in aim.fields)
    )


def _has(body: Mapping[str, Any], path: str, wanted: Any) -> bool:
    value = at(body, path, ABSENT)
    if value is ABSENT:
        return False
    values = value if isinstance(value, list) else [value]
    if isinstance(wanted, str):
        return any(fnmatchcase(one if isinstance(one, str) else json.dumps(one), wanted) for one in values)
    return any(type(one) is type(wanted) and one == wanted for one in [value, *values])


def _acts(rule: Rule, subject: Subject, kind: type[Fault]) -> Draw | None:
    """Count one match of a rule; return what its fault draws where it acts on this one."""
    aim, (matched, applied) = rule.aim, counts_of(subject.tx, rule)
    # By the rule's content and not by its id, so that setting it again repeats what it did.
    by, counted_as = repr(aim), f"{rule.id} {counting_since(subject.tx, rule)}"
    # Whether or not the rule acts: another call with this body is this one's repeat all the same.
    drawn = None if aim.probability is None else _draw(subject, kind, rule.applied, counted_as, by)
    acts = (
        (aim.nth is None or matched + 1 == aim.nth)
        and (aim.first is None or matched < aim.first)
        and (aim.every is None or (matched + 1) % aim.every == 0)
        and (aim.times is None or applied < aim.times)
        and (aim.probability is None or drawn is None or drawn.share("probability") < aim.probability)
    )
    count_match(subject.tx, rule, acts=acts)
    return (drawn or _draw(subject, kind, rule.applied, counted_as, by)) if acts else None


def _draw(subject: Subject, kind: type[Fault], applied: Applied, counted_as: str, by: str = "") -> Draw:
    """Return a fault's draw of this occurrence: equal subjects are told apart by the order in which they come."""
    origin = (kind.place, *subject.identity, applied.name, applied.params, by)
    # A task's end comes once.
    occurrence = 1 if kind.place == "callback" else _occurrence(subject.tx, fingerprint(counted_as, *origin))
    universe = find_universe(subject.tx)
    seed, name = ("", "") if universe is None else (str(universe.seed), universe.name)
    return Draw(seed, name, *origin, str(occurrence))


def _occurrence(tx: Tx, same: bytes) -> int:
    row = int.from_bytes(same[:8], "big")
    occurrence: int = (tx.get("drawn", row) or 0) + 1
    tx.put("drawn", row, occurrence)
    if tx.count("drawn") > _MOST_DRAWN:
        # Only a repeat of a call this old would meet the faults of its first time again.
        tx.delete("drawn", next(tx.oldest("drawn", 1)))
    return occurrence
