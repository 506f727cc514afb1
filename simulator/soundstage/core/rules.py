"""Fault rules as data: which fault, with what, and what it is aimed at. They are rows of the universe they act in."""

from typing import Any, NamedTuple

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
