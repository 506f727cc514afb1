"""A Soundstage server in a thread of this process, on a free port of this machine."""

import asyncio
from concurrent.futures import Future
from threading import Thread
from types import TracebackType
from typing import Any, Self

from soundstage.testing.client import Opened, Soundstage
from soundstage.testing.line import Line

# Type checkers know the keywords of `open` from there; nothing is imported for it.
_WAIT_SECONDS = 30.0


class Server:
    """A running server; `with Server() as server:` starts and stops it.

    Settings are those of `soundstage serve`, by their names there: `Server(seed=7, history=20)`. Raises OSError from
    `start` when a port that was asked for is taken.
    """

    def __init__(self, *, port: int = 0, **settings: Any) -> None:
        self._settings = {"port": port, **settings}
        self._started: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = Thread(target=self._run, name="soundstage", daemon=True)
        self._line: Line | None = None

    @property
    def url(self) -> str:
        """The base URL of the running server."""
        return self._started.result(timeout=_WAIT_SECONDS)[0]

    def start(self) -> str:
        """Start and return the base URL as soon as calls are answered."""
        self._thread.start()
        self._line = Line(self.url)
        return self.url

    def stop(self) -> None:
        """Stop; everything that was in this server's universes is gone."""
        if self._line is None:
            return
        self._line.close()
        _, loop, over = self._started.result()
        loop.call_soon_threadsafe(over.set)
        self._thread.join(_WAIT_SECONDS)

    def open(self, key: str | None = None, **how: Unpack[Opened]) -> Soundstage:
        """Open a fresh universe here; see `Soundstage.open` for the keywords."""
