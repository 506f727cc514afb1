"""Every option that says what a run verifies and how far it goes, once for the command line and for pytest.

Nothing but the standard library is imported here: `soundstage --help` and every start of pytest read this.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from soundstage_contracts.command.choosing import LAYERS

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Spec:
    """One option.

    `read` makes its value of a text and raises ValueError with a sentence. `name` is that of the field in `Options`;
    in pytest, where other plugins have options too, it is `in_pytest`, or there is none when that is None. An option
    with `many` may be given again. A `switch` has a counterpart that turns it off.
    """

    name: str
    says: str
    read: Callable[[str], Any] = str
    default: Any = None
    metavar: str | None = None
    environment: str | None = None
    many: bool = False
    switch: bool = False
    in_pytest: str | None = ""

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return _typed(self.name)

    @property
    def pytest_flag(self) -> str | None:
        """The option as it is typed to pytest, None where pytest has it not."""
        return None if self.in_pytest is None else _typed(self.in_pytest or self.name)

    @property
    def off(self) -> str:
        """What turns a switch off."""
        return f"--no-{self.flag.removeprefix('--')}"


def _typed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _credits(given: str) -> Decimal:
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{given!r} is no number of credits, 0 or more")
    return amount


def _layers(given: str) -> tuple[str, ...]:
    asked = {one.strip().upper() for one in given.split(",")}
    if unknown := asked - set(LAYERS):
        raise ValueError(f"{', '.join(sorted(unknown))} is no layer; they are {', '.join(LAYERS)}")
    return tuple(one for one in LAYERS if one in asked)


def _adapter(given: str) -> str:
    if given not in {"soundstage", "none"}:
        raise ValueError(f"there is no adapter {given!r}; there are soundstage and none")
    return given


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(given: str) -> int:
        if not given.isdecimal() or not least <= int(given) <= most:
            raise ValueError(f"{given!r} is no whole number from {least} to {most}")
        return int(given)

    return read


def _seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 1):
        raise ValueError(f"{given!r} is no number of seconds, 1 or more")
    return seconds


SPECS = (
    Spec(
        "base_url",
        "What stands in for the provider's scheme and host; a simulator of its own without.",
        metavar="URL",
    ),
    Spec("api_key", "The key to call with.", metavar="KEY", environment="SOUNDSTAGE_API_KEY"),
    Spec("adapter", "What sets the target up; soundstage without --base-url.", _adapter, metavar="[soundstage|none]"),
    Spec("admin_url", "Where the adapter's admin API is; the target's host without.", metavar="URL"),
    Spec("admin_token", "The admin API's token.", metavar="TOKEN", environment="SOUNDSTAGE_ADMIN_TOKEN"),
    Spec("assumptions", "Try what no document says; on with an adapter.", switch=True),
    Spec("max_credits", "Never spend more; 0, which only reads, without an adapter.", _credits, metavar="CREDITS"),
    Spec(
        "max_requests",
        "Never send more requests; 1000 where credits are guarded.",
        _whole(1, 10**9),
        metavar="N",
    ),
    Spec("deadline", "Send nothing after so many seconds; 900 where credits are guarded.", _seconds, metavar="SECONDS"),
    Spec(
        "allow",
        "Send only requests of this operation; may be given again, needs --max-credits.",
        metavar="OPERATION",
        many=True,
    ),
    Spec(
        "layers",
        "Such as L0,L2; all with an adapter, L0,L2 without.",
        _layers,
        metavar="LAYERS",
        in_pytest="contract_layers",
    ),
    Spec(
        "seed",
        "Same seed, same requests; 0 without.",
        _whole(0, LARGEST_SEED),
        default=0,
        metavar="N",
        in_pytest="contract_seed",
    ),
    Spec(
        "only",
        "Only promises whose ids begin so; may be given again.",
        metavar="ID",
        many=True,
        in_pytest=None,  # pytest has -k
    ),
    Spec("callback_url", "A tunnel to --callback-port, for a distant target.", metavar="URL"),
    Spec(
        "callback_port",
        "Where callbacks are received; 0, which picks a port, without.",
        _whole(0, 65535),
        default=0,
        metavar="PORT",
    ),
    Spec(
        "webhook_secret",
        "What callbacks are signed with.",
        metavar="SECRET",
        environment="SOUNDSTAGE_WEBHOOK_SECRET",
    ),
    Spec("patience", "Seconds a task may take in real time; 300 without.", _seconds, default=300.0, metavar="SECONDS"),
)
