"""Clocks of universes: show, switch, advance."""

import asyncio
from typing import Any, Literal

from pydantic import Field

from soundstage.core.clock import Clock, Mode, iso, parse_iso
from soundstage.core.universe import find_universe, set_clock, the_universe
from soundstage.core.view import Tx
from soundstage.core.world import due_in
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route

_MOST_STEPS = 1_000_000
_EARLIEST, _LATEST = 0, parse_iso("9000-01-01")
_LONGEST_SECONDS = 100 * 365 * 86_400


class NewClock(AdminBody):
    """Another clock for a universe; `now` (ISO 8601) may only lie ahead."""

    mode: Mode
    speed: float | None = Field(default=None, ge=0.001, le=1_000_000)
    now: str | None = None


class Advance(AdminBody):
    """How far to go: by seconds, to the next event, or until nothing is left to happen."""

    seconds: float | None = Field(default=None, ge=0, le=_LONGEST_SECONDS)
    to: Literal["next-event"] | None = None
    until: Literal["idle"] | None = None
    wait: Literal["callbacks", "none"] = "callbacks"
    timeout: float = Field(default=60.0, gt=0, le=3600)


async def show(call: AdminCall) -> Answer:
    """Show a universe's clock, or every universe's."""
    shown = [await show_clock(call, universe) for universe in call.readable()]
    return 200, call.answer(shown)


async def switch(call: AdminCall) -> Answer:
    """Give a universe another clock; its time goes on from where it is, or from a later `now`."""
    wanted = call.read(NewClock)
    instant = None if wanted.now is None else instant_of(wanted.now)
    results = []
    for universe in call.writable():

        def change(tx: Tx) -> None:
            clock = the_universe(tx).clock
            if instant is not None and instant < tx.now:
                raise AdminError(
                    409,
                    "clock_goes_back",
                    f"the clock shows {iso(tx.now)} and only moves forward",
                    "use another universe, or start the server with --start-at",
                )
            speed = (
                wanted.speed
                if wanted.speed is not None
                else (clock.speed if wanted.mode == clock.mode else call.world.opening.clock.speed)
            )
            set_clock(tx, clock.switched(wanted.mode, speed, tx.wall))

        fresh = await _untouched(call, universe)
        if fresh and instant is not None:
            await _start_at(call, universe, wanted, instant)
        else:
            await call.world.run(universe, change)
            if instant is not None:
                await call.world.forward(universe, instant)
        results.append(await show_clock(call, universe))
    return 200, call.answer(results)


async def advance(call: AdminCall) -> Answer:
    """Move time forward; every event and callback attempt on the way happens at its own instant."""
    wanted = call.read(Advance)
    if [wanted.seconds, wanted.to, wanted.until].count(None) != 2:
        raise AdminError(400, "invalid_request", 'give one of "seconds", "to": "next-event", "until": "idle"')
    results = []
    for universe in call.writable():
        before = call.world.events_run
        await _advance(call, universe, wanted)
        results.append({**await show_clock(call, universe), "events_run": call.world.events_run - before})
    return 200, call.answer(results)


async def _advance(call: AdminCall, universe: str, wanted: Advance) -> None:
    world, courier = call.world, call.services.courier
    until = _seconds() + wanted.timeout
    now = await world.run(universe, lambda tx: tx.now)
    target = None if wanted.seconds is None else _in_range(now + int(wanted.seconds * 1000))
    for _ in range(_MOST_STEPS):
        await courier.make_due(universe)
        if wanted.wait == "callbacks":
            await _landed(call, universe, until)
        view = world.store.peek(universe)
        due = None if view is None else due_in(view).first
        if due is None or (target is not None and due > target):
            break
        await world.forward(universe, _in_range(due))
        if wanted.to is not None:
            break
        if _seconds() > until:
            raise _too_slow()
        # A callback may call back here; it is served at this instant.
        await asyncio.sleep(0)
    if target is not None:
        await world.forward(universe, target)
    await courier.make_due(universe)
    if wanted.wait == "callbacks":
        await _landed(call, universe, until)


def instant_of(text: str) -> int:
    """Return an instant a clock here may show; raises AdminError for what is none."""
    try:
        return _in_range(parse_iso(text))
    except ValueError:
        raise AdminError(400, "invalid_request", "now must be ISO 8601, such as 2026-01-01T00:00:00Z") from None


def _in_range(instant: int) -> int:
    if instant > _LATEST:
        raise AdminError(409, "clock_too_far", "clocks here end at the year 9000", "advance by less")
    if instant < _EARLIEST:
        raise AdminError(400, "invalid_request", "clocks here begin at 1970-01-01T00:00:00Z", "name a later instant")
    return instant


def _seconds() -> float:
    # The loop's own time: a test that freezes the machine's clock must not make a wait endless.
    return asyncio.get_running_loop().time()


async def _landed(call: AdminCall, universe: str, until: float) -> None:
    if not await call.services.courier.landed(universe, until - _seconds()):
        raise _too_slow()


def _too_slow() -> AdminError:
    return AdminError(
        504,
        "advance_timed_out",
        "time moved on, but a callback's receiver has not answered yet",
        'send "wait": "none" if the receiver lives in the thread that advances, or a longer "timeout" in seconds',
    )


async def _untouched(call: AdminCall, universe: str) -> bool:
    return await call.world.run(universe, lambda tx: not tx.count("task") and not tx.count("key"))


async def _start_at(call: AdminCall, universe: str, wanted: NewClock, instant: int) -> None:
    speed = wanted.speed if wanted.speed is not None else call.world.opening.clock.speed
    await call.world.store.forget(universe)
    placed = Clock("manual", speed, 0, instant).switched(wanted.mode, speed, call.world.wall())
    await call.world.open(universe, clock=placed)


async def show_clock(call: AdminCall, universe: str) -> dict[str, Any]:
    """Return a universe's clock as the admin shows it."""

    def look(tx: Tx) -> dict[str, Any]:
        found = find_universe(tx)
        if found is None:
            raise AdminError(409, "universe_gone", "this universe was reset meanwhile", "it opens anew on its next use")
        clock = found.clock
        due = [first[0] for table in ("event", "attempt") if (first := tx.first(table)) is not None]
        return {
            "mode": clock.mode,
            "speed": clock.speed,
            "now": iso(tx.now),
            "next_event": iso(min(due)) if due else None,
        }

    return await call.world.run(universe, look)


ROUTES = (
    Route("GET", "/__admin/clock", show, "Show the clock"),
    Route("PUT", "/__admin/clock", switch, "Switch the clock", NewClock),
    Route("POST", "/__admin/clock/advance", advance, "Move time forward", Advance),
)
