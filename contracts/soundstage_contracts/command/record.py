"""Who sees what a run says and hears: the report, the watcher and the tape, each by one and the same way."""

from __future__ import annotations

from soundstage_contracts.command.outcome import Report
from soundstage_contracts.exchange import Exchange
from soundstage_contracts.tape import TapeWriter
from soundstage_contracts.watch import Watcher


class Record:
    """What a run keeps of its exchanges, and what it must not tell."""

    def __init__(self, report: Report, watcher: Watcher) -> None:
        """Count in `report` and let `watcher` judge."""
        self._report = report
        self._watcher = watcher
        self._tape: TapeWriter | None = None

    def tape(self, tape: TapeWriter) -> None:
        """Keep everything from now on on a tape as well, but for the secrets known already."""
        self._tape = tape
        for secret in self._report.secrets:
            tape.hide(secret)

    def see(self, exchange: Exchange) -> None:
        """Take an exchange of a check; safe to call from several threads."""
        self._report.requests += exchange.kind in {"call", "file"}
        self._watcher.see(exchange)
        if self._tape is not None:
            self._tape.see(exchange)

    def set_up(self, exchange: Exchange) -> None:
        """Take an exchange of the adapter, and hide the key and the secret that it may have made."""
        made = exchange.reply.value() if exchange.reply is not None else None
        if isinstance(made, dict) and exchange.request.path.endswith("/keys"):
            number = str(made.get("key", "")).rpartition("-")[2]
            behind = f"_{number}" if number.isdecimal() else "_0"
            self.hide(made.get("key"), f"API_KEY{behind}")
            self.hide(made.get("webhook_secret"), f"WEBHOOK_SECRET{behind}")
        if self._tape is not None:
            self._tape.see(exchange)

    def hide(self, secret: object, name: str) -> None:
        """Tell a text by `name` from now on, wherever it would be told; what is empty or no text is no secret."""
        if not isinstance(secret, str) or not secret:
            return
        self._report.secrets[secret] = name
        if self._tape is not None:
            self._tape.hide(secret)
