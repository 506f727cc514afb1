"""What the tests of the suite's layers share: a target on a simulator, with faults in every world it opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Exchange
from soundstage_contracts.target import Target
from soundstage_contracts.wire import LiveSender

Fault = tuple[str, dict[str, Any]]


class Faulty(SoundstageAdapter):
    """An adapter whose worlds have faults from their beginning."""

    def __init__(self, sender: LiveSender, faults: tuple[Fault, ...]) -> None:
        super().__init__(sender)
        self._faults = faults

    def open(self, provider: str, label: str, wanted: Wanted) -> Account:
        account = super().open(provider, label, wanted)
        for name, parameters in self._faults if wanted.beside is None else ():
            self.fault(account, name, **parameters)
        return account


class Aim:
    """A provider of a running simulator as a target; what was exchanged is kept in `seen`."""

    def __init__(self, url: str, provider: str, *faults: Fault, adapter: bool = True, assumptions: bool = True) -> None:
        self.seen: list[Exchange] = []
        self._senders = [LiveSender(f"{url}/{provider}"), LiveSender(url)]
        self.admin = Faulty(self._senders[1], faults)
        self.target = Target(
            driver_of(provider),
            Contract(provider, assumptions=assumptions),
            self._senders[0],
            self.admin if adapter else None,
            given=None if adapter else self.admin.open(provider, f"given-{provider}", Wanted()),
            assumptions=assumptions,
            observe=self.seen.append,
        )

    def __enter__(self) -> Aim:
        return self

    def __exit__(self, *error: object) -> None:
        for sender in self._senders:
            sender.close()

    def requests(self, alike: Callable[[Exchange], Any]) -> list[Any]:
        """Return what `alike` makes of each request that was sent."""
        return [alike(one) for one in self.seen if one.kind == "call"]
