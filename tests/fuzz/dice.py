"""Choices that depend on a seed alone: the same seed throws the same dice on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

from soundstage.core.randomness import fingerprint

Item = TypeVar("Item")
_WORD = 32


class Dice:
    """An endless row of numbers from one origin."""

    def __init__(self, *origin: str | int) -> None:
        self._key = fingerprint(*[str(part) for part in origin])
        self._blocks = 0
        self._pool = 0
        self._left = 0

    def below(self, most: int) -> int:
        """Return a whole number in [0, most)."""
        if self._left < _WORD:
            digest = blake2b(str(self._blocks).encode(), key=self._key).digest()
            self._pool, self._left = int.from_bytes(digest, "big"), 512
            self._blocks += 1
        word = self._pool & 0xFFFFFFFF
        self._pool >>= _WORD
        self._left -= _WORD
        return word * most >> _WORD

    def chance(self, percent: float) -> bool:
        """Return True in `percent` of all cases."""
        return self.below(10_000) < percent * 100

    def between(self, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[Item, int]]) -> Item:
        """Return one of the items by its weight."""
        mark = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            mark -= weight
            if mark < 0:
                return item
        raise AssertionError("weights must be positive")

    def letters(self, length: int, alphabet: str = "abcdefghij klmnopqrst") -> str:
        """Return a text of `length` letters."""
        return "".join([self.pick(alphabet) for _ in range(length)])
