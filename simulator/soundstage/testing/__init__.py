"""Soundstage from a test: a server in this process, a universe of the test's own, and words to drive and to ask it.

Every method that talks to the server has an async twin whose name begins with `a`. It waits in another thread, so a
receiver of callbacks in the test's own event loop can answer meanwhile.

    with Server() as server, server.open(clock="manual") as soundstage:
        app = my_app(base_url=soundstage.base_url("midsync"), key=soundstage.key)
        soundstage.faults.add("http/status", status=503, when={"operation": "create", "first": 2})
        app.make_video("a fox runs")
        soundstage.clock.idle()
        assert soundstage.tasks.list()[0]["state"] == "succeeded"

With pytest none of this is written by hand: the fixture `soundstage` does it. A server that is running somewhere is
used by `Soundstage.open(Line("http://127.0.0.1:4090"))`.
"""

from soundstage.testing.client import Soundstage
from soundstage.testing.line import Line, SoundstageError
from soundstage.testing.server import Server

__all__ = ["Line", "Server", "Soundstage", "SoundstageError"]
