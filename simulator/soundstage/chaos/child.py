"""Runs one command as a group of processes that ends whole: in time, when told, and with the end of its output kept."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

# What is kept of the output: its end, in bytes.
MOST_OUTPUT: Final = 16_384
# Seconds between asking a group of processes to end and ending it, and for what it wrote to arrive.
_GRACE: Final = 1.0
# And for what was ended by force to be gone, looked for every few milliseconds.
_GONE: Final = 0.25
_LOOK_AGAIN: Final = 0.005


class Ended(NamedTuple):
    """How a command ended: its exit code (None: it was ended after its time), and the end of what it printed."""

    code: int | None
    output: str


async def run(command: Sequence[str], env: Mapping[str, str], seconds: float) -> Ended:
    """Run a command for at most so many seconds; nothing of its process group is left when this returns.

    Raises OSError for a command that cannot be started.
    """
    loop = asyncio.get_running_loop()
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", 0) as source:
        tail = _Tail(loop.create_future())
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=write_end, stderr=write_end, **_OWN_GROUP
            )
        finally:
            os.close(write_end)
        transport, _ = await loop.connect_read_pipe(lambda: tail, source)
        code: int | None = None
        try:
            async with asyncio.timeout(seconds):
                code = await process.wait()
        except TimeoutError:
            code = None
        finally:
            await _end(process)
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await asyncio.shield(tail.over)
            transport.close()
    return Ended(code, tail.text())


class _Tail(asyncio.Protocol):
    """Keeps the last bytes of a pipe."""

    def __init__(self, over: asyncio.Future[None]) -> None:
        self.over = over
        self._kept = b""
        self._cut = False

    def data_received(self, data: bytes) -> None:
        """Take what comes and forget what is too old."""
        kept = self._kept + data
        self._cut = self._cut or len(kept) > MOST_OUTPUT
        self._kept = kept[-MOST_OUTPUT:]

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        if not self.over.done():
            self.over.set_result(None)

    def text(self) -> str:
        """Return what is kept, with a mark where something was before it."""
        text = self._kept.decode("utf-8", "replace")
        return f"[...]\n{text}" if self._cut else text


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and everything it started: asked first, then by force; nobody is left to be waited for."""
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
    _signal(process, _KILL)
    await process.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE):
            while _signal(process, 0):  # noqa: ASYNC110 - nobody tells when the last of a group has ended
                await asyncio.sleep(_LOOK_AGAIN)


def _signal(process: asyncio.subprocess.Process, number: int) -> bool:
    """Send a signal to a process and everything it started, as far as there is any of it; 0 only asks."""
    try:
        if os.name == "nt":
            process.send_signal(number)
        else:
            # A group lives as long as one of its processes, and its id is nobody else's until then.
            os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return os.name != "nt"


_KILL: Final = signal.SIGTERM if os.name == "nt" else signal.SIGKILL
_OWN_GROUP: Final[dict[str, Any]] = {} if os.name == "nt" else {"start_new_session": True}
