"""Draws: hashes of an origin and a label, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.randomness import Draw, fingerprint, key_digest, unguessable
from soundstage.core.universe import draw_for, key_id_of, shortened, universe_of
from unit.stage import opened

LABELS = st.text(max_size=30)


@given(st.lists(LABELS, unique=True), st.randoms(use_true_random=False))
def test_values_do_not_depend_on_the_order_they_are_asked_in(labels: list[str], shuffler: object) -> None:
    draw = Draw("seed", "u")
    forwards = {label: draw.bits(label) for label in labels}
    assert {label: Draw("seed", "u").bits(label) for label in reversed(labels)} == forwards
    assert len(set(forwards.values())) == len(labels)


@given(st.lists(st.binary(), min_size=1, max_size=4), st.lists(st.binary(), min_size=1, max_size=4))
def test_only_equal_parts_have_equal_fingerprints(one: list[bytes], other: list[bytes]) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) == (one == other)


def test_parts_do_not_run_together() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc") != fingerprint("abc")
    assert fingerprint("a") == fingerprint(b"a")


@given(LABELS, st.integers(-1000, 1000), st.integers(0, 1000))
def test_a_draw_stays_between_its_bounds(label: str, low: int, more: int) -> None:
    draw = Draw("x")
    assert low <= draw.between(label, low, low + more) <= low + more
    assert draw.pick(label, "abc") in "abc"
    assert len(draw.hex(label, 24)) == 24


def test_values_stay_the_same_from_release_to_release() -> None:
    assert Draw("seed", "u").hex("task", 24) == "8bb19e6b427e31d7d45d84e0"
    assert universe_of("sk_test_me") == f"u_{key_digest('sk_test_me')[:16]}"


def test_the_same_request_draws_anew_each_time_it_arrives_and_others_do_not_count() -> None:
    def origins(requests: list[bytes]) -> dict[bytes, list[bytes]]:
        tx, found = opened(), dict[bytes, list[bytes]]()
        for request in requests:
            found.setdefault(request, []).append(draw_for(tx, "create", request).origin)
        return found

    apart, mixed = origins([b"a", b"a", b"b"]), origins([b"a", b"b", b"a"])
    assert apart == mixed
    assert len({*apart[b"a"], *apart[b"b"]}) == 3


def test_the_operation_is_part_of_the_draw() -> None:
    assert draw_for(opened(), "create", b"a").origin != draw_for(opened(), "edit", b"a").origin


@pytest.mark.parametrize("universe", ["u", "v"])
def test_the_universe_name_is_part_of_the_draw(universe: str) -> None:
    same = draw_for(opened(universe=universe), "create", b"a").origin == draw_for(opened(), "create", b"a").origin
    assert same == (universe == "u")


def test_ids_and_short_forms_do_not_hold_the_key() -> None:
    text = "sk_live_0123456789abcdef"
    assert "0123456789" not in universe_of(text) + key_id_of("midsync", text) + shortened(text)
    assert key_id_of("midsync", text) != key_id_of("apimart", text)
    assert shortened("sk_short") == "…"


def test_a_secret_is_never_the_same_twice() -> None:
    assert len({unguessable() for _ in range(50)}) == 50
    assert len(unguessable(24)) == 32
