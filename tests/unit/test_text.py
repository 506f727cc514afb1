"""Chat answers: plain sentences that name the question."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.randomness import Draw
from soundstage.media import text as stock
from soundstage.media.text import answer, pieces, tokens


@given(st.text(max_size=500), st.text(max_size=10))
def test_an_answer_is_the_same_for_the_same_draw(about: str, seed: str) -> None:
    assert answer(Draw(seed), about) == answer(Draw(seed), about)


@given(st.text(max_size=500), st.integers(0, 1000))
def test_an_answer_is_one_line_of_two_to_five_sentences(about: str, seed: int) -> None:
    said = answer(Draw(str(seed)), about)
    assert said.isprintable()
    assert 1 <= sum(said.count(sentence) for sentence in stock._STOCK) <= 4
    assert said[0].isupper()
    assert said.endswith(".")


def test_an_answer_begins_by_naming_the_question() -> None:
    for seed in range(50):
        said = answer(Draw(str(seed)), "  Which lake\n\tis the deepest? ")
        assert '"Which lake is the deepest?"' in said.split(". ")[0] + "."


@pytest.mark.parametrize("about", ["a" * 1000, "word " * 300, " " * 1000 + "late " * 100])
def test_a_long_question_is_named_by_its_beginning(about: str) -> None:
    quoted = re.findall('"([^"]*)"', answer(Draw("x"), about))
    assert len(quoted) == 1
    assert len(quoted[0]) <= 60
    assert quoted[0].endswith("…")
    assert about.strip().startswith(quoted[0][:-1])


def test_an_empty_question_is_answered_too() -> None:
    assert answer(Draw("x"), " \n").startswith("Your message held no text.")
    assert answer(Draw("x"), "\x00\ud800").startswith("Your message held no text.")


def test_answers_differ() -> None:
    assert len({answer(Draw(str(seed)), "tea") for seed in range(500)}) > 480


def test_the_stock_is_large_and_holds_nothing_twice() -> None:
    assert len(set(stock._STOCK)) == len(stock._STOCK) >= 60
    for seed in range(500):
        said = answer(Draw(str(seed)), "tea")
        assert all(said.count(sentence) <= 1 for sentence in stock._STOCK)


@given(st.text(max_size=300))
def test_pieces_are_the_tokens_of_a_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert len(pieces(text)) == tokens(text)
    assert all(0 < len(piece) <= 4 for piece in pieces(text))


def test_a_token_is_four_characters_begun() -> None:
    assert [tokens("x" * length) for length in (0, 1, 4, 5, 8, 9)] == [0, 1, 1, 2, 2, 3]
