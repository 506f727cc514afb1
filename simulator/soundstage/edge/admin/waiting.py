"""Waits until something has happened, for at most so many seconds: woken by news, never by looking again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import isfinite
from typing import Any

from soundstage.edge.admin.context import AdminCall, AdminError

LONGEST_SECONDS = 60
# How often a wait makes sure that its client is still there; the server is not told when one leaves.
_STILL_THERE_SECONDS = 1.0


async def wait_for(
    call: AdminCall,
    listeners: list[Callable[..., None]],
    look: Callable[[], Awaitable[bool]],
    concerns: Callable[..., bool] = lambda *news: True,
) -> bool:
    """Look now, and again after news that concerns this wait; False when the call's `timeout` is over.

    `listeners` are those of whatever brings the news. Raises ConnectionResetError when the client has left.
    """
    seconds = _timeout(call)
    rung = asyncio.Event()

    def ring(*news: Any) -> None:
        if concerns(*news):
            rung.set()

    listeners.append(ring)
    try:
        if await look():
            return True
        async with asyncio.timeout(seconds):
            while True:
                await _rung(rung, call)
                rung.clear()
                if await look():
                    return True
    except TimeoutError:
        return False
    finally:
        listeners.remove(ring)


async def _rung(rung: asyncio.Event, call: AdminCall) -> None:
    while not rung.is_set() and not call.gone():
        with suppress(TimeoutError):
            async with asyncio.timeout(_STILL_THERE_SECONDS):
                await rung.wait()
    if call.gone():
        raise ConnectionResetError("nobody waits any more")


def _timeout(call: AdminCall) -> float:
    text = call.query.get("timeout", "5")
    try:
        seconds = float(text) if len(text) <= 20 else -1.0
    except ValueError:
        seconds = -1.0
    if not (isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS):
        message = f"timeout must be a number of seconds from 0 to {LONGEST_SECONDS}, got {text[:40]!r}"
        raise AdminError(400, "invalid_request", message)
    return seconds
