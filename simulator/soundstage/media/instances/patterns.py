"""Strings that match a regular expression, short ones first; what they must match is checked by the caller."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from soundstage.media.instances.errors import DeadEndError
from soundstage.media.instances.regex import Node

if TYPE_CHECKING:
    from soundstage.media.instances.state import State

_STEPS = 16_384
_TRIES = 16


class _Writer:
    """Writes one match of a pattern; `extra` is how many characters the open repeats may add."""

    def __init__(self, below: Callable[[int], int], extra: int, natural: bool) -> None:
        self.below = below
        self.extra = extra
        self.natural = natural
        self.out: list[str] = []
        self.groups: dict[int, str] = {}
        self.looks: list[str] = []
        self.steps = _STEPS
        self.closing = False

    def write(self, node: Node) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise DeadEndError("the pattern asks for too long a text")
        match node:
            case ("set", characters, _):
                self.out.append(self._one_of(characters))
            case ("seq", parts):
                self._each(parts)
            case ("alt", parts):
                self.write(parts[self.below(len(parts)) if self.natural else -1 if self.closing else 0])
            case ("rep", part, low, high):
                self._repeat(part, self._times(part, low, high))
            case _:
                self._remember(node)

    def _each(self, parts: list[Node]) -> None:
        for part in parts:
            self.write(part)

    def _repeat(self, part: Node, times: int) -> None:
        """Write a part several times; in the last round the last alternative is due, as in `(?:[.]|$)`."""
        outer = self.closing
        for turn in range(times):
            self.closing = turn == times - 1 > 0
            self.write(part)
        self.closing = outer

    def _remember(self, node: Node) -> None:
        match node:
            case ("group", number, part):
                begin = len(self.out)
                self.write(part)
                self.groups[number] = "".join(self.out[begin:])
            case ("back", number):
                self.out.append(self.groups.get(number, ""))
                self.steps -= len(self.out[-1])
            case ("look", part):
                self._look(part)

    def _look(self, part: Node) -> None:
        ahead = _Writer(self.below, 0, natural=False)
        ahead.steps = self.steps // 4
        ahead.write(part)
        self.looks.append("".join(ahead.out))

    def _one_of(self, characters: str) -> str:
        if not characters:
            raise DeadEndError("the pattern has a character class nothing here belongs to")
        if len(characters) == 1:
            return characters
        usual = _usual(characters)
        return usual[self.below(len(usual))]

    def _times(self, part: Node, low: int, high: int | None) -> int:
        if low > self.steps:
            raise DeadEndError("the pattern asks for too long a text")
        room = self.extra if high is None else min(self.extra, high - low)
        if room > 0:
            self.extra -= room
            return low + min(room, self.steps)
        if self.natural and part[0] == "set" and high != 1 and _usual(part[1])[:1].isalnum():
            more = self.below(4) + 2
            return low + (more if high is None else max(0, min(more, high - low)))
        return self.below(2) if self.natural and low == 0 and high != 0 else low


@lru_cache(maxsize=256)
def _usual(characters: str) -> str:
    """Return the characters a reader would expect: small letters first, then letters and digits, else any."""
    small = [mark for mark in characters if "a" <= mark <= "z"]
    if small:
        other = any(not mark.isalnum() for mark in characters)
        return "".join(small if other else small + [mark for mark in characters if mark.isdigit()])
    if characters.startswith(" \t"):
        return " "
    plain = [mark for mark in characters if mark.isalnum() and mark.isascii()]
    return "".join(plain) or characters


def matches(node: Node, least: int, most: int | None, state: "State") -> Iterator[str]:
    """Yield texts that should match, natural ones first; the caller checks each against the pattern itself."""
    shortest = ""
    for natural in (*[True] * _TRIES, False):
        shortest, looks = _written(node, state, 0, natural=natural)
        yield from _with_looks(shortest, looks)
    if len(shortest) < least:
        for natural in (False, True):
            text, looks = _written(node, state, least - len(shortest), natural=natural)
            yield from _with_looks(text, looks)
        yield shortest + "x" * min(least - len(shortest), _STEPS)
    if most is not None and len(shortest) > most:
        yield shortest[:most]


def _written(node: Node, state: "State", extra: int, *, natural: bool) -> tuple[str, str]:
    """Return one text, and what its look-aheads want to see."""
    writer = _Writer(state.below, extra, natural)
    writer.write(node)
    state.spend(4 + (_STEPS - writer.steps) // 16)
    return "".join(writer.out), "".join(writer.looks)


def _with_looks(text: str, looks: str) -> Iterator[str]:
    """Yield the text with what its look-aheads want to see: alone, in front, or over its beginning."""
    yield text
    if looks:
        yield looks + text[len(looks) :]
        yield looks + text
