"""What an adapter can do; without one, checks that need it are not tested."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Wanted:
    """The account a check needs; what is left out is up to the adapter (an ample balance, no limits in the way).

    `balance` in the provider's credits. `beside` puts it into the world of another account, as another user's;
    `same_user` as well makes it a second key of that account's user. `history` is a number of past usage rows.
    """

    balance: Decimal | None = None
    scopes: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    ip_allowlist: tuple[str, ...] | None = None
    plan: str | None = None
    limits: dict[str, int] | None = None
    role: str | None = None
    kind: str = "shared"
    revoked: bool = False
    history: int = 0
    beside: Account | None = None
    same_user: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A key to try things with; `handle` is the adapter's name for its world, `secret` signs its callbacks."""

    label: str
    key: str
    secret: str | None = None
    balance: Decimal | None = None
    handle: str = ""
    user: str = ""
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Books:
    """An account's money as the target's own ledger has it, in credits."""

    issued: Decimal
    available: Decimal
    held: Decimal
    spent: Decimal


class Adapter(Protocol):
    """Drives a target from behind; every method raises NotTested for what this target cannot do."""

    name: str

    def open(self, provider: str, label: str, wanted: Wanted) -> Account:
        """Return a new account; the same label gives the same key in an empty world again, its time standing still."""
        ...

    def next_event(self, account: Account) -> bool:
        """Move the account's time to the next thing that happens there; False when nothing is left to happen."""
        ...

    def pass_seconds(self, account: Account, seconds: float) -> None:
        """Move the account's time; all callbacks that fall due were attempted when this returns."""
        ...

    def finish(self, account: Account) -> None:
        """Move the account's time until nothing is left to happen."""
        ...

    def fail(self, account: Account, task_id: str, reason: str | None = None) -> None:
        """Make a task fail now."""
        ...

    def stall(self, account: Account, task_id: str) -> None:
        """Let a task never end by itself."""
        ...

    def fault(self, account: Account, name: str, **parameters: Any) -> None:
        """Make something go wrong in the account's world from now on, by the name of one of the target's faults."""
        ...

    def clear_faults(self, account: Account) -> None:
        """Let everything go right again."""
        ...

    def books(self, account: Account) -> Books:
        """Return the account's money as the target keeps it."""
        ...

    def close(self) -> None:
        """Let go of the target."""
        ...
