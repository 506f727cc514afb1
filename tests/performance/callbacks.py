"""The measurement of callbacks: signed deliveries per second to a counting receiver."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from event_loop import cores, pinned
from processes import start
from results import Bar, Row
from sections import Plan, both, in_turn
from targets import FAST, HERE, Target, server_core


@contextmanager
def receiver(core: int | None) -> Iterator[Target]:
    """A server on *core* that answers 200 to everything and counts."""
    server = start([sys.executable, str(HERE / "sink.py")], core)
    try:
        yield Target("receiver", server)
    finally:
        server.stop()


def callbacks(plan: Plan) -> list[Row]:
    """Signed callbacks delivered per second while tasks are being created."""
    row = Row("callbacks, tasks created meanwhile", "callbacks/s", Bar(0.6, at_least=True))
    alone = Row("callbacks, against a poster that creates nothing", "callbacks/s", None)
    lost = 0
    places = cores()
    with both(plan, FAST) as pair, receiver(places[1] if places else None) as sink:
        for turn in range(plan.rounds):
            rates: dict[str, float] = {}
            for target in in_turn(pair, turn):
                rates[target.name], missing = delivered(target, sink, plan.seconds)
                lost += missing if target is pair[1] else 0
            row.add(rates[pair[0].name], rates[pair[1].name])
            alone.add(bare_poster(sink, plan.seconds), rates[pair[1].name])
    row.note = f"16 connections create; base signs and posts beside that; {pair[1].name} lost {lost}."
    alone.note = (
        "base here is `poster.py`, which signs and posts and does nothing else. A server that also creates "
        "a task for each callback cannot reach it: base itself delivers "
        f"{sum(row.base) / sum(alone.base):.2f} of it."
    )
    return [row, alone]


def delivered(target: Target, sink: Target, seconds: float) -> tuple[float, int]:
    """(callbacks per second from the first to the last arrival, callbacks that never came)."""
    sink.call("GET", "/take/0")
    result = target.load(target.creates(callback=f"http://127.0.0.1:{sink.server.port}/"), 16, seconds)
    came = sink.call("GET", f"/take/{result.answered_2xx}")
    count, span = came["count"], came["last"] - came["first"]
    return (count / span if span > 0 else 0.0), result.answered_2xx - count


def bare_poster(sink: Target, seconds: float) -> float:
    """Callbacks per second of a process that does nothing but sign and post."""
    command = [sys.executable, str(HERE / "poster.py"), f"http://127.0.0.1:{sink.server.port}/"]
    with pinned(server_core()):
        done = subprocess.run([*command, "--seconds", str(seconds)], stdout=subprocess.PIPE, check=True)
    return float(json.loads(done.stdout)["rate"])
