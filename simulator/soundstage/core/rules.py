"""Fault rules as data: which fault, with what, and what it is aimed at. They are rows of the universe they act in."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from soundstage.core.bent import Applied
from soundstage.core.view import Tx


class Aim(NamedTuple):
    """What a rule acts on; None is anything. Texts are globs, instants milliseconds.

    `nth`, `first` and `every` count what matches all that stands above them. `since` and `until` are instants,
    `after_ms` and `before_ms` spans since the rule was set.
    """

    provider: str | None = None
    operation: str | None = None
    model: str | None = None
    keys: tuple[str, ...] | None = None
    fields: tuple[tuple[str, Any], ...] = ()
    since: int | None = None
    until: int | None = None
    after_ms: int | None = None
    before_ms: int | None = None
    nth: int | None = None
    first: int | None = None
    every: int | None = None
    probability: float | None = None
    times: int | None = None


class Rule(NamedTuple):
    """A fault that is set: `params` is JSON that its model has accepted, `set_at` when it came into this universe."""

    id: str
    fault: str
    params: bytes
    aim: Aim
    origin: str
    set_at: int = 0

    @property
    def applied(self) -> Applied:
        """The fault as it is at work."""
        return Applied(self.fault, self.params, self.origin)


class Book(NamedTuple):
    """Every rule of a universe: set by hand (the newest first), of the scenario in force, and of its keys' suffixes."""

    rules: tuple[Rule, ...] = ()
    scenario: str | None = None
    about: str = ""
    staged: tuple[Rule, ...] = ()
    suffixes: tuple[Rule, ...] = ()

    def set_at(self, now: int) -> "Book":
        """Return the book of a universe that gets these rules at `now`."""
        return self._replace(
            rules=tuple(rule._replace(set_at=now) for rule in self.rules),
            staged=tuple(rule._replace(set_at=now) for rule in self.staged),
        )

    def all(self) -> tuple[Rule, ...]:
        """Return the rules in the order in which they act."""
        return self.rules + self.staged + self.suffixes


def book_of(tx: Tx) -> Book | None:
    """Return the rules of this universe, None when there have never been any."""
    found: Book | None = tx.get("meta", "faults")
    return found


def rules_of(tx: Tx) -> tuple[Rule, ...]:
    """Return the rules of this universe in the order in which they act."""
    found: Book | None = tx.get("meta", "faults")
    return () if found is None else found.all()


def put_book(tx: Tx, book: Book) -> None:
    """Let these be the rules of this universe; what a rule that is gone has counted goes with it."""
    kept = {rule.id for rule in book.all()}
    forget_counts(tx, (rule for rule in rules_of(tx) if rule.id not in kept))
    tx.put("meta", "faults", book)


def counts_of(tx: Tx, rule: Rule) -> tuple[int, int]:
    """Return how often a rule matched and how often it acted."""
    found: tuple[int, int] | None = tx.get("aimed", rule.id)
    return found or (0, 0)


def counting_since(tx: Tx, rule: Rule) -> int:
    """Return a number that is another one each time the rule begins to count from none; to be asked at every match."""
    if tx.get("aimed", rule.id) is None:
        tx.put("counting", rule.id, tx.serial())
    since: int = tx.get("counting", rule.id)
    return since


def count_match(tx: Tx, rule: Rule, *, acts: bool) -> None:
    """Count one match of a rule, and whether it acts on it."""
    matched, applied = counts_of(tx, rule)
    tx.put("aimed", rule.id, (matched + 1, applied + acts))


def forget_counts(tx: Tx, rules: Iterable[Rule]) -> None:
    """Let rules count anew from none."""
    for rule in rules:
        if tx.get("aimed", rule.id) is not None:
            tx.delete("aimed", rule.id)
            tx.delete("counting", rule.id)
