"""A Soundstage server in a thread of this process, on a free port of this machine."""

import asyncio
from concurrent.futures import Future
from threading import Thread
from typing import Any, NamedTuple, Self, Unpack

from soundstage.testing.client import Opened, Soundstage
from soundstage.testing.line import Line
from soundstage.testing.shapes import Configured

_LONGEST_SECONDS = 30.0


class _Running(NamedTuple):
    url: str
    loop: asyncio.AbstractEventLoop
    over: asyncio.Event


class Server:
    """A running server; `with Server() as server:` starts and stops it.

    Settings are named as those of `soundstage serve`: `Server(seed=7, history=20)`. Port 0 is any free one. Starting
    raises TypeError for a setting there is none of, ValueError for one that cannot be used (a scenario with mistakes),
    OSError when the port is taken.
    """

    def __init__(self, *, port: int = 0, **settings: Unpack[Configured]) -> None:
        self._settings: dict[str, Any] = {"port": port, **settings}
        self._running: Future[_Running] = Future()
        self._thread = Thread(target=self._run, name="soundstage", daemon=True)
        self._line: Line | None = None

    @property
    def line(self) -> Line:
        """The line to its admin API; raises RuntimeError before it was started."""
        if self._line is None:
            raise RuntimeError("this server was not started; call start(), or use it in a with statement")
        return self._line

    @property
    def url(self) -> str:
        """The base URL of the running server."""
        return self.line.url

    def start(self) -> str:
        """Start and return the base URL as soon as calls are answered; raises what keeps the server from starting.

        A server starts once: RuntimeError is raised by the second call.
        """
        self._thread.start()
        self._line = Line(self._running.result(_LONGEST_SECONDS).url)
        return self.url

    def stop(self) -> None:
        """Stop; everything in this server's universes is gone."""
        if self._line is None:
            return
        self._line.close()
        running = self._running.result()
        running.loop.call_soon_threadsafe(running.over.set)
        self._thread.join(_LONGEST_SECONDS)

    def open(self, key: str | None = None, **how: Unpack[Opened]) -> Soundstage:
        """Open a fresh universe here; the key is made up when none is given. Raises SoundstageError."""
        return Soundstage.open(self.line, key, **how)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that started this one
            if not self._running.done():
                self._running.set_exception(error)

    async def _serve(self) -> None:
        # Here, so that whoever only imports this module does not wait for a web server to load.
        from soundstage.app import create_app  # noqa: PLC0415
        from soundstage.settings import Settings  # noqa: PLC0415

        stage = create_app(Settings(embedded=True, **self._settings))
        url = await stage.start()
        over = asyncio.Event()
        self._running.set_result(_Running(url, asyncio.get_running_loop(), over))
        await over.wait()
        await stage.stop()


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop
