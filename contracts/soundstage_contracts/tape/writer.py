"""Writes a tape while the suite runs, and throws it away rather than leave a secret on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from soundstage_contracts import clock
from soundstage_contracts.adapters.base import Account
from soundstage_contracts.exchange import Exchange
from soundstage_contracts.tape.reading import Header, Taped, line_of
from soundstage_contracts.tape.redaction import TapeRedactor, all_texts


class LeakError(Exception):
    """A secret was found on the written tape; the tape is gone."""


class TapeWriter:
    """Keeps every exchange it is shown, in order; those of the target and those of an adapter alike.

    The file has its name only after `close()` has found no known secret in it; until then it ends in `.part`.
    """

    def __init__(
        self,
        path: Path,
        provider: str,
        *,
        base_url: str = "",
        seed: int | None = None,
        assumptions: bool = True,
        callback_url: str | None = None,
        given: Account | None = None,
    ) -> None:
        """Begin a tape at `path`; `given` is the account of --api-key, its key and secret hidden from the start."""
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._redactor = TapeRedactor()
        self._lock = Lock()
        account = None
        if given is not None:
            secret = self._redactor.hide(given.secret, "secret") if given.secret else None
            account = {"label": given.label, "key": self._redactor.hide(given.key, "key"), "secret": secret}
        header = Header(provider, base_url, seed, assumptions, callback_url, account)
        self._file = self._part.open("w", encoding="utf-8", errors="surrogateescape", newline="\n")
        self._write(header.line())

    def hide(self, secret: str) -> str:
        """Keep a text off the tape from now on, and return what stands for it there."""
        with self._lock:
            return self._redactor.hide(secret)

    def see(self, exchange: Exchange, layer: str = "") -> None:
        """Keep an exchange; safe to call from several threads."""
        at = clock.unix() if exchange.kind == "callback" else 0.0
        with self._lock:
            self._write(line_of(Taped(self._redactor.exchange(exchange), layer, at)))

    def _write(self, line: dict[str, Any]) -> None:
        # Escaped to ASCII, so that odd characters of a reply cannot break a line or the file's encoding.
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Finish the tape; raises LeakError, with the tape deleted, when a known secret is on it in any form."""
        with self._lock:
            if self._file.closed:
                return
            self._file.close()
            leaked = self._redactor.leaked(self._texts())
            if leaked is not None:
                self._part.unlink()
                raise LeakError(f"the tape was deleted: {leaked} was still on it, in a form that was not replaced")
            self._part.replace(self._path)

    def _texts(self) -> Iterator[bytes]:
        with self._part.open("rb") as file:
            for line in file:
                yield from all_texts(json.loads(line))
