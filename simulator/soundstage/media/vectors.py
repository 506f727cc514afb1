"""Embeddings: words and their three-letter parts hashed into a unit vector, so that texts with common words are near.

No model is asked: nearness means shared wording, not shared meaning.
"""

import re
import sys
from array import array
from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log, sqrt
from struct import unpack
from zlib import crc32

# Work is bounded: what lies beyond still changes the vector through the feature of the whole input, but little.
_CHARACTERS = 200_000
_WORDS = 2000
_SPELLED = 400
_LONGEST_WORD = 32

_WORD, _STOP_WORD, _TRIGRAM, _WHOLE = 1.0, 0.12, 0.3, 0.02
_TOKENS = re.compile(r"\w+|[^\w\s]")
_STOP_WORDS = """
a an and are as at be but by can do does for from has have how i in is it its me my no not of on or our so
that the their there this to was we were what when where which who why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())


def embedding(text_or_tokens: str | Sequence[int], dimensions: int) -> "array[float]":
    """Return a float32 vector of length one; equal input gives an equal vector, never a zero one.

    Raises ValueError for less than one dimension.
    """
    if dimensions < 1:
        raise ValueError("an embedding needs at least one dimension")
    features = _text_features(text_or_tokens) if isinstance(text_or_tokens, str) else _token_features(text_or_tokens)
    places: dict[int, float] = {}
    for feature, weight in features:
        for number in _numbers(feature):
            place = (number >> 1) % dimensions
            places[place] = places.get(place, 0.0) + (weight if number & 1 else -weight)
    return _unit(places, dimensions)


def as_base64(vector: "array[float]") -> str:
    """Return the vector as base64 of its float32 values, little-endian on every machine."""
    if sys.byteorder == "big":
        vector = array("f", vector)
        vector.byteswap()
    return b2a_base64(vector.tobytes(), newline=False).decode("ascii")


def _unit(places: dict[int, float], dimensions: int) -> "array[float]":
    """Return the vector scaled to length one; if everything cancelled out, the one place that is left decides."""
    vector = array("f", bytes(4 * dimensions))
    length = sqrt(sum([value * value for value in places.values()]))
    if length < 1e-6:
        vector[min(places)] = 1.0
        return vector
    scale = 1.0 / length
    for place, value in places.items():
        vector[place] = value * scale
    return vector


def _text_features(text: str) -> Iterator[tuple[str, float]]:
    """Yield weighted features: each distinct word, parts of the first words, and the whole text last."""
    words = Counter(_TOKENS.findall(text[:_CHARACTERS].lower()))
    for number, (word, count) in enumerate(words.items()):
        if number >= _WORDS:
            break
        often = 1.0 if count == 1 else 1.0 + log(count)
        if word in _STOP:
            yield word, _STOP_WORD * often
            continue
        word = word[:_LONGEST_WORD]  # noqa: PLW2901 - a word is its beginning from here on
        yield word, _WORD * often
        if number < _SPELLED and len(word) > 2:
            padded = f"^{word}$"
            for at in range(len(word)):
                yield "~" + padded[at : at + 3], _TRIGRAM * often
    yield f"={crc32(text.encode('utf-8', 'surrogatepass'))}", _WHOLE


def _token_features(tokens: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Yield weighted features: each distinct token number, and the whole sequence last."""
    for token, count in list(Counter(tokens[:_CHARACTERS]).items())[:_WORDS]:
        yield f"#{token}", 1.0 + log(count)
    yield f"={crc32(repr(list(tokens)).encode())}", _WHOLE


@lru_cache(maxsize=16_384)
def _numbers(feature: str) -> tuple[int, ...]:
    """Return numbers that say where a feature goes and with which sign: two for a part of a word, else four."""
    count = 2 if feature[0] == "~" and len(feature) > 1 else 4
    digest = blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=4 * count).digest()
    return unpack(f"<{count}I", digest)
