"""Embeddings: unit vectors, equal for equal input, near for texts that share words."""

import base64
import math
import struct
import sys
import timeit
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.media import vectors
from soundstage.media.vectors import as_base64, embedding

TRIPLES = [
    ("How do I bake sourdough bread?", "A recipe for baking sourdough bread at home", "The engine needs new oil"),
    ("train times from Turin to Milan", "the next train to Milan", "how to prune an apple tree"),
    ("a song about the sea at night", "songs of the night sea", "quarterly tax report for shareholders"),
    ("reset my password", "I forgot my password and want to reset it", "a blue bicycle with a basket"),
    ("best hiking trails in Norway", "hiking in the mountains of Norway", "convert a PDF to text"),
    ("The cat sleeps on the warm sofa", "A cat is sleeping on a sofa", "Interest rates rose again in March"),
    ("invoice for the month of May", "the May invoice is missing", "violin lessons for beginners"),
    ("python function to sort a list", "sorting a list with a python function", "wedding flowers and candles"),
    ("weather in Lisbon tomorrow", "tomorrow's weather for Lisbon", "fixing a leaking kitchen tap"),
    ("cancel my subscription", "how can I cancel the subscription?", "a portrait in oil colours"),
    ("climate change and oceans", "how oceans react to climate change", "chess openings for black"),
    ("video of a dog running on a beach", "dogs running along the beach, video", "mortgage contract with a bank"),
    ("Wo liegt der Bahnhof?", "Der Weg zum Bahnhof", "Rezept für eine Suppe"),
    ("translate this letter into French", "a French translation of my letter", "guitar amplifier repair"),
]
ODD = ["", " ", "\n\n", "...", "?!", "🎵", "🎵🎵🎵", "é", "中文", "\x00", "\ud800", "_", "a", "the", "the of and"]


def near(one: "array[float]", other: "array[float]") -> float:
    return sum(left * right for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize("dimensions", [1536, 256, 64])
@pytest.mark.parametrize(("query", "similar", "unrelated"), TRIPLES)
def test_similar_text_is_nearer_than_unrelated_text(query: str, similar: str, unrelated: str, dimensions: int) -> None:
    at, like, unlike = (embedding(text, dimensions) for text in (query, similar, unrelated))
    assert near(at, like) > near(at, unlike) + 0.05


@given(st.text(max_size=200) | st.lists(st.integers(0, 200_000), max_size=50), st.integers(1, 3072))
def test_a_vector_has_length_one_and_repeats(given_input: str | list[int], dimensions: int) -> None:
    vector = embedding(given_input, dimensions)
    assert vector == embedding(given_input, dimensions)
    assert len(vector) == dimensions
    assert vector.typecode == "f"
    assert math.isclose(near(vector, vector), 1, abs_tol=2e-5)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 64, 1536])
@pytest.mark.parametrize("text", ODD)
def test_text_without_words_has_a_vector_as_well(text: str, dimensions: int) -> None:
    vector = embedding(text, dimensions)
    assert math.isclose(near(vector, vector), 1, abs_tol=2e-5)


def test_features_that_cancel_out_leave_a_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_numbers", lambda _feature: (0, 1))
    assert list(embedding("word", 1)) == [1.0]


def test_other_input_has_another_vector() -> None:
    texts = ["tea", "Tea time", "time tea!", "coffee", "x" * 400_000, "x" * 400_001, *ODD]
    assert len({embedding(text, 1536).tobytes() for text in texts}) == len(texts)
    assert embedding([1, 2], 64) != embedding([2, 1], 64)
    assert embedding([1, 2], 64) == embedding((1, 2), 64)


def test_token_lists_that_share_tokens_are_near() -> None:
    one, other, far = embedding([1, 2, 3, 4], 256), embedding([2, 3, 4, 5], 256), embedding([9, 8, 7, 6], 256)
    assert near(one, other) > near(one, far) + 0.3


def test_no_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one dimension"):
        embedding("x", 0)


def test_base64_is_little_endian_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    vector = embedding("tea", 64)
    assert list(struct.unpack("<64f", base64.b64decode(as_base64(vector)))) == list(vector)
    swapped = array("f", vector)
    swapped.byteswap()
    monkeypatch.setattr(sys, "byteorder", "little" if sys.byteorder == "big" else "big")
    assert as_base64(swapped) == base64.b64encode(struct.pack("<64f", *vector)).decode()


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"word{number}" for number in range(12_000)),
        "x" * 100_000,
        "🎵" * 100_000,
        "a b " * 25_000,
        "é" * 10**6,
    ],
    ids=["words", "one word", "symbols", "short words", "a million"],
)
def test_long_input_is_bounded_work(text: str) -> None:
    assert min(timeit.repeat(lambda: embedding(text, 1536), number=1, repeat=3)) < 0.1
