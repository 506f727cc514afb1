"""Randomness is a hash: the same seed, universe, operation and request give the same draw, in any order.

The only unseeded values are secrets nobody may guess; they come from here as well.
"""

import secrets
from collections.abc import Sequence
from hashlib import blake2b, sha256
from typing import Final, TypeVar

Item = TypeVar("Item")
# So few that half of one more still counts in a float.
_SHARES: Final = 2**52


def fingerprint(*parts: str | bytes) -> bytes:
    """Return 16 bytes that stand for these parts; a part's length is hashed too, so parts cannot run together."""
    data = b""
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode()
        data += b"%d:%b" % (len(raw), raw)
    return blake2b(data, digest_size=16).digest()


class Draw:
    """Values drawn from one origin by label: asking twice, or in another order, gives the same values."""

    __slots__ = ("origin",)

    def __init__(self, *origin: str | bytes) -> None:
        self.origin = fingerprint(*origin)

    def bits(self, label: str, bits: int = 64) -> int:
        """Return a whole number of at most `bits` bits (a multiple of 8, up to 512)."""
        return int.from_bytes(blake2b(label.encode(), key=self.origin, digest_size=bits // 8).digest(), "big")

    def hex(self, label: str, digits: int) -> str:
        """Return an even number of lower-case hexadecimal digits."""
        return blake2b(label.encode(), key=self.origin, digest_size=digits // 2).hexdigest()

    def between(self, label: str, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        return low + self.bits(label) % (high - low + 1)

    def share(self, label: str) -> float:
        """Return a number between 0 and 1, and never either of them."""
        return (self.bits(label) % _SHARES + 0.5) / _SHARES

    def pick(self, label: str, items: Sequence[Item]) -> Item:
        """Return one of the items."""
        return items[self.bits(label) % len(items)]


def key_digest(text: str) -> str:
    """Return the SHA-256 of a key's text in hex: what is kept in place of the key."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def unguessable(bytes_: int = 24) -> str:
    """Return a fresh URL-safe secret that no seed repeats."""
    return secrets.token_urlsafe(bytes_)
