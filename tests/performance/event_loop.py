"""The event loop and the core that every process of the benchmark runs on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # uvloop has no wheel for Windows; the ratios stay fair because every process loses it
    new_event_loop = asyncio.new_event_loop

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end on uvloop, or on asyncio where uvloop does not install."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


@cache
def cores() -> tuple[int, int] | None:
    """(core of the servers, core of the load), or None where processes cannot be pinned to two cores.

    Asked once, before this process pins itself to one of the two.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Hold this process, and so the children it starts meanwhile, on *core*; None leaves it free."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
