"""What every table of client behaviours shares: the running server, keys with limits, one JSON line per behaviour."""

from __future__ import annotations

import json
import sys
import traceback
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Server:
    """A running Soundstage and the key used where the behaviour needs none in particular."""

    url: str
    key: str = "sk-client-tests"

    @property
    def api(self) -> str:
        """The base URL a user of the OpenAI SDK sets."""
        return f"{self.url}/apikeyorg/v1"

    def register(self, **limits: Any) -> str:
        """Register a key with these limits through the admin API and return it."""
        body = json.dumps({"provider": "apikeyorg", **limits}).encode()
        request = urllib.request.Request(f"{self.url}/__admin/keys", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["key"])


Behaviour = Callable[[Server], None]
_table: list[Behaviour] = []


def behaviour(check: Behaviour) -> Behaviour:
    """Add a function to the table; its name is the promise it checks."""
    _table.append(check)
    return check


def told(error: BaseException) -> str:
    """Where in this folder *error* arose, and what it says."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == HERE]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: {frames[-1].line}" if frames else "elsewhere"
    return f"{where}\n{type(error).__name__}: {error}"[:2000]


def main() -> None:
    """Run the table against the server named on the command line."""
    server = Server(sys.argv[1])
    for check in _table:
        detail = ""
        try:
            check(server)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is what the table reports
            detail = told(error)
        print(json.dumps({"name": check.__name__, "ok": not detail, "detail": detail}), flush=True)
