"""What the suite is pointed at, and what a check has made there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from soundstage_contracts.adapters.base import Account, Adapter
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers.base import Created, Creation, Driver
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.receiver import Receiver
from soundstage_contracts.wire import Sender


@dataclass(frozen=True, slots=True)
class Target:
    """What the suite is pointed at, and by whom it may be driven.

    `patience` is how many seconds a task may take where nobody can move its time; `assumptions` says that the target
    claims to share the documents' assumptions; `given` is the account of `--api-key`, None where the adapter makes its
    own.
    """

    driver: Driver
    contract: Contract
    sender: Sender
    adapter: Adapter | None = None
    receiver: Receiver | None = None
    given: Account | None = None
    assumptions: bool = True
    patience: float = 300.0
    observe: Callable[[Exchange], None] = lambda exchange: None


@dataclass(frozen=True, slots=True)
class Started:
    """A task that a check made: by which account, which creation, with which request and reply."""

    account: Account
    creation: Creation
    request: Request
    reply: Reply
    created: Created

    @property
    def id(self) -> str:
        """The task's id."""
        return self.created.id


def slug(text: str) -> str:
    """Return a text as a plain name: letters, digits and dashes, short, and different for different texts."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain if plain == text.lower() else f"{plain[:40].strip('-')}-{sha256(text.encode()).hexdigest()[:8]}"


def shown(reply: Reply) -> str:
    """Return the beginning of a reply's body as text."""
    return reply.body[:200].decode("utf-8", "replace")
