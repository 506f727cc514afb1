"""The measurements: speed, latency, tail under stored tasks, start, memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from load import Result
from processes import busy_seconds
from results import Bar, Row
from targets import FAST, SUBJECTS, LoadError, Target, server_core, start_base

FINAL = {"completed", "failed"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    subject: str = "soundstage"
    rounds: int = 9
    seconds: float = 2.0
    stored: int = 200_000
    grown: int = 50_000
    warm: int = 20_000
    """Tasks made before growth is measured, so that rings and pools of fixed size are full."""


@contextmanager
def both(plan: Plan, speed: str | None = None) -> Iterator[tuple[Target, Target]]:
    """Base and subject, freshly started, stopped at the end."""
    with ExitStack() as stack:
        pair = []
        for starter in (start_base, SUBJECTS[plan.subject]):
            target = starter(speed)
            stack.callback(target.server.stop)
            pair.append(target)
        yield pair[0], pair[1]


def in_turn(pair: tuple[Target, Target], turn: int) -> tuple[Target, ...]:
    """The pair, the other one first in every other round."""
    return pair if turn % 2 == 0 else pair[::-1]


class Interleaved:
    """Loads on both sides, round by round, and who else was on the servers' core meanwhile."""

    def __init__(self, pair: tuple[Target, Target]) -> None:
        self.pair = pair
        self.strangers: list[float] = []

    def measure(self, kind: str, connections: int, seconds: float, turn: int) -> tuple[Result, Result]:
        """One round of *kind* (poll or create): (base, subject)."""
        figures = {}
        for target in in_turn(self.pair, turn):
            requests = target.polls() if kind == "poll" else target.creates()
            core = server_core()
            began, own, all_ = time.perf_counter(), target.server.cpu_seconds(), busy_seconds(core)
            figures[target.name] = target.load(requests, connections, seconds)
            others = (busy_seconds(core) - all_) - (target.server.cpu_seconds() - own)
            self.strangers.append(max(0.0, others) / (time.perf_counter() - began))
        return figures[self.pair[0].name], figures[self.pair[1].name]

    def tell(self, *rows: Row) -> None:
        """Note on *rows* how much of the core went to others, the idle server included."""
        for row in rows:
            row.strangers = self.strangers
            row.note = (
                f"other processes, the idle server included, had {statistics.median(self.strangers):.0%} of "
                f"the servers' core (median), {max(self.strangers):.0%} at worst."
            )


def throughput(plan: Plan) -> list[Row]:
    """Requests per second at 64 connections and p50 at one, poll and create."""
    fast = {
        "poll": Row("poll, 64 connections", "requests/s", Bar(0.80, at_least=True, floor=0.65)),
        "create": Row("create, 64 connections", "requests/s", Bar(0.72, at_least=True, floor=0.55)),
    }
    slow = {kind: Row(f"{kind}, p50 at one connection", "ms", Bar(1.25)) for kind in fast}
    with both(plan) as pair:
        for kind, row in fast.items():  # polls first: creates fill the store for all that follows
            loads = Interleaved(pair)
            for turn in range(plan.rounds):
                base, subject = loads.measure(kind, 1, plan.seconds / 2, turn)
                slow[kind].add(base.p50_ms, subject.p50_ms)
                base, subject = loads.measure(kind, 64, plan.seconds, turn)
                row.add(base.rate, subject.rate)
            loads.tell(row, slow[kind])
    return [*fast.values(), *slow.values()]


def tail(plan: Plan) -> list[Row]:
    """p99 at 64 connections with many tasks stored."""
    rows = {
        kind: Row(f"{kind}, p99 at 64 connections, {plan.stored:,} tasks stored", "ms", Bar(2.0))
        for kind in ("poll", "create")
    }
    with both(plan) as pair:
        for target in pair:
            target.fill(target.creates(), plan.stored)
        for kind, row in rows.items():
            loads = Interleaved(pair)
            for turn in range(plan.rounds):
                base, subject = loads.measure(kind, 64, plan.seconds, turn)
                row.add(base.p99_ms, subject.p99_ms)
            loads.tell(row)
    return list(rows.values())


def start_up(plan: Plan) -> list[Row]:
    """Process start to the first created task, and the memory then."""
    first = Row("start to first answer", "s", Bar(1.2))
    first.note = "process start to the first 200 of a create; registering the key is part of it."
    idle = Row("idle memory", "MB", Bar(1.25))
    idle.note = "resident after the first create, so that what loads lazily is counted."
    starters = (start_base, SUBJECTS[plan.subject])
    for turn in range(-1, plan.rounds):  # round -1 writes the .pyc files
        seconds, memory = [0.0, 0.0], [0.0, 0.0]
        for side in (0, 1) if turn % 2 == 0 else (1, 0):
            target = starters[side](None)
            try:
                target.create()
                seconds[side] = time.perf_counter() - target.server.began
                memory[side] = target.server.rss() / 1e6
            finally:
                target.server.stop()
        if turn >= 0:
            first.add(*seconds)
            idle.add(*memory)
    return [first, idle]


def growth(plan: Plan) -> list[Row]:
    """Memory a finished task keeps, with one prompt for all and with a prompt for each."""
    rows = []
    for title, prompts in (("identical prompts", 1), ("distinct prompts", plan.warm + plan.grown)):
        row = Row(f"growth per finished task, {title}", "bytes", Bar(600), ratio=False)
        row.note = f"resident memory, {plan.grown:,} tasks after {plan.warm:,}; base keeps a dict a task."
        with both(plan, FAST) as pair:
            row.add(*(grown_bytes(target, prompts, plan) for target in pair))
        rows.append(row)
    return rows


def grown_bytes(target: Target, prompts: int, plan: Plan) -> float:
    """Bytes of resident memory per task that *target* grew by."""
    requests = target.creates(prompts=prompts)
    target.fill(requests[: plan.warm], plan.warm)
    settle(target)
    before = target.server.rss()
    target.fill(requests[-plan.grown :], plan.grown)
    settle(target)
    return (target.server.rss() - before) / plan.grown


def settle(target: Target) -> None:
    """Wait until a task made now has ended, so that those before it have too; base's never do."""
    if not target.tasks_end:
        return
    task = target.create()
    deadline = time.perf_counter() + 30
    while (state := target.status(task)) not in FINAL:
        if time.perf_counter() > deadline:
            raise LoadError(f"a task made at --speed {FAST} is still {state!r} after 30 s")
