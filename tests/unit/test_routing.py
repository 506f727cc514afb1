"""Delivery paths: priority first, weight among equals, retries on a busy one, and the last takes what is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.randomness import Draw
from soundstage.providers.apikeyorg.catalogue import Model, Path, catalogue
from soundstage.providers.apikeyorg.routing import Try, route, told

DRAWS = 4000
NEVER, ALWAYS = 0, 100
PATHS = st.lists(
    st.builds(
        Path,
        id=st.text("abcdefgh", min_size=1, max_size=4),
        priority=st.integers(1, 3),
        weight=st.integers(1, 100),
        retries=st.integers(0, 3),
        retry_wait_ms=st.integers(0, 9000),
        busy_percent=st.integers(0, 100),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda path: path.id,
)


def path(name: str, priority: int = 1, weight: int = 100, *, retries: int = 0, busy: int = NEVER) -> Path:
    return Path(name, priority, weight, retries, 2000, busy)


def model(*paths: Path) -> Model:
    return replace(catalogue()["seedance-2"], paths=paths)


def routes(of: Model, count: int = DRAWS) -> list[list[Try]]:
    """Return the routes of many tasks."""
    return [route(of, Draw(f"task_{number:024x}")) for number in range(count)]


def visited(tries: list[Try]) -> list[str]:
    """Return the paths of a route, each once, in order."""
    return [name for name, _ in groupby(one.path.id for one in tries)]


def share(counts: Counter[str], name: str) -> float:
    return counts[name] / counts.total()


@given(PATHS, st.text(max_size=30))
def test_r_key_049_a_route_always_ends_taken_and_keeps_every_policy(paths: list[Path], origin: str) -> None:
    tries = route(model(*paths), Draw(origin))
    assert [one.taken for one in tries] == [False] * (len(tries) - 1) + [True]
    assert tries[-1].wait_ms == 0
    order = visited(tries)
    assert len(order) == len(set(order)), "a path that was left is not come back to"
    priorities = [one.path.priority for one in tries]
    assert priorities == sorted(priorities)
    assert {one.path.priority for one in tries[:1]} == {min(path.priority for path in paths)}
    for one, following in pairwise(tries):
        again = following.path is one.path
        assert one.wait_ms == (one.path.retry_wait_ms if again else 0)
    for name, count in Counter(one.path.id for one in tries).items():
        policy = next(path for path in paths if path.id == name)
        assert count <= policy.retries + 1
        assert count == policy.retries + 1 or name == order[-1]


@given(PATHS, st.text(max_size=30))
def test_the_same_draw_takes_the_same_route(paths: list[Path], origin: str) -> None:
    assert route(model(*paths), Draw(origin)) == route(model(*paths), Draw(origin))


def test_other_draws_take_other_routes() -> None:
    assert len({tuple(visited(tries)) for tries in routes(catalogue()["seedance-2"], 500)}) >= 3


def test_a_lower_priority_number_comes_first_whatever_the_weights() -> None:
    of = model(path("late", 2, 1000), path("early", 1, 1), path("later", 3, 1000))
    assert {tuple(visited(tries)) for tries in routes(of, 300)} == {("early",)}
    busy = model(path("late", 2, 1000, busy=ALWAYS), path("early", 1, 1, busy=ALWAYS), path("later", 3, 1000))
    assert {tuple(visited(tries)) for tries in routes(busy, 300)} == {("early", "late", "later")}


@pytest.mark.parametrize("weights", [(70, 30), (1, 9), (50, 50), (20, 30, 50), (1, 1, 98)])
def test_equals_are_drawn_by_weight(weights: tuple[int, ...]) -> None:
    of = model(*(path(f"p{number}", weight=weight) for number, weight in enumerate(weights)))
    first = Counter(tries[0].path.id for tries in routes(of))
    for number, weight in enumerate(weights):
        assert abs(share(first, f"p{number}") - weight / sum(weights)) < 0.03, (weights, first)


def test_what_is_left_after_a_busy_path_is_drawn_by_weight_again() -> None:
    of = model(path("a", weight=50, busy=ALWAYS), path("b", weight=40), path("c", weight=10))
    second = Counter(tries[1].path.id for tries in routes(of) if tries[0].path.id == "a")
    assert abs(second.total() / DRAWS - 0.5) < 0.03
    assert abs(share(second, "b") - 0.8) < 0.03
    assert abs(share(second, "c") - 0.2) < 0.03


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_the_catalogue_s_own_weights_hold(name: str) -> None:
    of = catalogue()[name]
    best = min(path.priority for path in of.paths)
    equals = {path.id: path.weight for path in of.paths if path.priority == best}
    first = Counter(tries[0].path.id for tries in routes(of, 2000))
    assert first.keys() == equals.keys()
    for one, weight in equals.items():
        assert abs(share(first, one) - weight / sum(equals.values())) < 0.04


@pytest.mark.parametrize("percent", [5, 10, 50, 90])
def test_a_path_is_busy_as_often_as_its_percentage_says(percent: int) -> None:
    of = model(path("a", busy=percent), path("z", 2))
    assert abs(sum(len(tries) > 1 for tries in routes(of)) / DRAWS - percent / 100) < 0.03


def test_each_try_on_a_path_draws_anew() -> None:
    of = model(path("a", busy=50, retries=3), path("z", 2))
    tries = Counter(sum(one.path.id == "a" for one in tries) for tries in routes(of))
    for number, expected in {1: 0.5, 2: 0.25, 3: 0.125, 4: 0.125}.items():
        assert abs(tries[number] / DRAWS - expected) < 0.03


def test_a_busy_path_is_tried_again_after_its_wait_then_left() -> None:
    of = model(path("a", retries=2, busy=ALWAYS), path("b", 2, busy=NEVER))
    (tries,) = routes(of, 1)
    assert [(one.path.id, one.taken, one.wait_ms) for one in tries] == [
        ("a", False, 2000),
        ("a", False, 2000),
        ("a", False, 0),
        ("b", True, 0),
    ]


def test_a_free_path_takes_the_task_at_the_first_try() -> None:
    assert {len(tries) for tries in routes(model(path("a", retries=3), path("b", 2)), 300)} == {1}


def test_the_last_path_of_all_is_never_busy() -> None:
    """The catalogue's words: however busy it says it is, the last path takes the task at its first try."""
    alone = model(path("a", retries=2, busy=ALWAYS))
    assert {tuple(tries) for tries in routes(alone, 100)} == {(Try(alone.paths[0], taken=True, wait_ms=0),)}
    two = model(path("a", busy=ALWAYS), path("b", 2, retries=2, busy=ALWAYS))
    assert {tuple((one.path.id, one.taken) for one in tries) for tries in routes(two, 100)} == {
        (("a", False), ("b", True))
    }


def test_a_route_is_told_in_words() -> None:
    of = model(path("a", retries=1, busy=ALWAYS), path("b", 2, 7))
    assert told(of, Draw("x")) == (
        "Delivery path: a (priority 1, weight 100, up to 1 retry after 2 s) was busy, tried again after 2 s; "
        "a (priority 1, weight 100, up to 1 retry after 2 s) was busy; "
        "b (priority 2, weight 7, no retry) took it"
    )
