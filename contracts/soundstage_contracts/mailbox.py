"""Where a check's callbacks arrive, each kept as evidence once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.receiver import Callback, Receiver
from soundstage_contracts.verdict import Broken


@dataclass
class Mailbox:
    """One mailbox of the receiver.

    `keep` takes each callback as an exchange of the check named `check`; `patience` is how many seconds of real time
    one that is due may take.
    """

    receiver: Receiver
    name: str
    check: str
    keep: Callable[[Exchange], None]
    patience: float
    _kept: int = 0

    @property
    def url(self) -> str:
        """What to ask the target to call."""
        return self.receiver.url(self.name)

    def wait(self, count: int = 1) -> tuple[Callback, ...]:
        """Return what came once `count` attempts are there; raises Broken when fewer come in time."""
        came = self.receiver.wait(self.name, count, self.patience)
        for callback in came[self._kept :]:
            request = Request("POST", callback.path, callback.headers, callback.body)
            self.keep(Exchange(request, Reply(callback.answered), "callback", self.check))
        self._kept = len(came)
        if len(came) < count:
            raise Broken(f"{len(came)} callbacks came where {count} should have")
        return came

    def all(self) -> tuple[Callback, ...]:
        """Return what has come so far."""
        return self.wait(0)
