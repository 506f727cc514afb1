"""The clock: forward only, speed where it belongs, instants exact to the millisecond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.clock import MANUAL_START, Clock, Mode, iso, parse_iso
from soundstage.core.task import Order, create
from unit.stage import MANUAL, WALL, Stage, Wall, a_key, finish, opened

CLOCKS = st.builds(
    Clock,
    mode=st.sampled_from(["real", "scaled", "manual"]),
    speed=st.floats(0.1, 1000),
    offset_ms=st.integers(-(10**9), 10**12),
    at=st.integers(0, 2 * 10**12),
)
INSTANTS = st.integers(-(10**12), 4 * 10**12)


def test_a_manual_clock_stands_still_while_the_machine_goes_on() -> None:
    assert MANUAL.now(WALL) == MANUAL.now(WALL + 10**9) == MANUAL_START


def test_a_scaled_clock_passes_with_the_machine_at_any_speed() -> None:
    clock = Clock("scaled", speed=50.0, offset_ms=7)
    assert clock.now(WALL + 1000) - clock.now(WALL) == 1000
    assert clock.now(WALL) == WALL + 7


@pytest.mark.parametrize(("mode", "expected"), [("scaled", 9_000), ("real", 90_000), ("manual", 90_000)])
def test_speed_divides_spans_in_scaled_mode_only(mode: Mode, expected: int) -> None:
    assert Clock(mode, speed=10.0).span(90_000) == expected


def test_speed_shortens_a_task_and_leaves_shown_time_alone() -> None:
    tx = opened(Clock("scaled", speed=10.0))
    task = create(tx, a_key(), Order("midsync", "o", "v", "m", b"", 0, 10_000, 90_000), "t")
    assert (task.delay_ms, task.run_ms, task.created_at, task.ends_at) == (1_000, 9_000, WALL, WALL + 10_000)


@given(CLOCKS, INSTANTS, INSTANTS)
def test_a_clock_moves_forward_only(clock: Clock, instant: int, wall: int) -> None:
    moved = clock.moved_to(instant, wall)
    assert moved.now(wall) == max(instant, clock.now(wall))
    if instant <= clock.now(wall):
        assert moved is clock


@given(CLOCKS, st.sampled_from(["real", "scaled", "manual"]), st.floats(0.1, 1000), INSTANTS)
def test_a_clock_that_changes_its_mode_shows_the_same_time(clock: Clock, mode: Mode, speed: float, wall: int) -> None:
    switched = clock.switched(mode, speed, wall)
    assert switched.now(wall) == clock.now(wall)
    assert switched.span(1000) == (int(1000 / speed) if mode == "scaled" else 1000)


@given(CLOCKS, INSTANTS, INSTANTS)
def test_the_machine_time_of_an_instant_is_when_the_clock_shows_it(clock: Clock, instant: int, wall: int) -> None:
    when = clock.wall_of(instant, wall)
    if when is None:
        assert clock.mode == "manual"
        assert instant > clock.at
    else:
        assert clock.now(when) >= instant


@given(INSTANTS)
def test_an_instant_survives_being_written_and_read(instant: int) -> None:
    assert parse_iso(iso(instant)) == instant


def test_an_offset_counts_and_none_means_utc() -> None:
    assert parse_iso("2026-04-12T02:00:00+02:00") == parse_iso("2026-04-12") == parse_iso("2026-04-12T00:00:00")


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "2026-04-12T25:00:00Z", "99999-01-01"])
def test_what_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_iso(text)


def test_a_world_runs_each_event_at_its_own_time_not_at_the_time_of_looking() -> None:
    stage = Stage()
    task_id = stage.create({"model": "kling-2.5-turbo", "prompt": "a heron"})
    (task,) = stage.rows("task")
    stage.forward(10**9)
    (ended,) = stage.rows("task")
    assert ended.movements[3:5] == ("settle", task.ends_at)
    assert stage.status(task_id)["status"] == "completed"


def test_a_world_never_moves_its_clock_back() -> None:
    stage = Stage()
    stage.do(stage.enter)
    stage.forward(5_000)
    finish(stage.world.forward(stage.universe, MANUAL_START + 10))
    assert stage.now() == MANUAL_START + 5_000


def test_a_scaled_world_follows_its_jumps_and_the_machine() -> None:
    wall = Wall()
    stage = Stage(wall=wall, clock=Clock("scaled", speed=10.0))
    stage.do(stage.enter)
    stage.forward(60_000)
    wall.now += 5
    assert stage.now() == WALL + 60_005
