"""What a run is asked to do, and what follows from that where nothing was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from soundstage_contracts.command.choosing import LAYERS
from soundstage_contracts.documents import providers
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.wire import base_of


class MistakenError(ValueError):
    """Options that make no sense together; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a guard keeps: credits, requests and seconds (None for the guard's own caps), operations (None for all)."""

    credits: Decimal
    requests: int | None = None
    seconds: float | None = None
    allow: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Common:
    """What is the same whether the rest was filled in or not."""

    provider: str
    base_url: str
    api_key: str | None = None
    adapter: str = "none"
    admin_url: str | None = None
    admin_token: str | None = None
    seed: int = 0
    only: tuple[str, ...] = ()
    callback_url: str | None = None
    callback_port: int = 0
    webhook_secret: str | None = None
    patience: float = 300.0
    tape: Path | None = None
    runner: str = ""


@dataclass(frozen=True, slots=True)
class Settled(_Common):
    """What to verify and how far to go, with everything filled in; without `caps` nothing is guarded."""

    assumptions: bool = False
    layers: tuple[str, ...] = ()
    caps: Caps | None = None


@dataclass(frozen=True, slots=True)
class Options(_Common):
    """What to verify and how far to go as somebody asked for it; None is for what follows from the rest.

    `base_url` stands in for the provider's scheme and host. `adapter` is soundstage or none; with one, assumptions are
    tried and nothing is guarded; without, only what documents say is tried and `max_credits` is 0, which only reads.
    `only` are beginnings of promise ids. `patience` is how many seconds a task may take where nobody can move its time.
    `runner` tells apart the parts of one run that share a target at the same time.
    """

    assumptions: bool | None = None
    layers: tuple[str, ...] | None = None
    max_credits: Decimal | None = None
    max_requests: int | None = None
    deadline: float | None = None
    allow: tuple[str, ...] = ()

    def settled(self) -> Settled:
        """Return the options with everything filled in that follows from the rest."""
        driven = self.adapter != "none"
        same = {one.name: getattr(self, one.name) for one in fields(_Common)}
        most = self.max_credits if self.max_credits is not None or driven else Decimal(0)
        caps = None if most is None else Caps(most, self.max_requests, self.deadline, self.allow or None)
        layers = (tuple(LAYERS) if driven else ("L0", "L2")) if self.layers is None else self.layers
        assumptions = driven if self.assumptions is None else self.assumptions
        return Settled(**same | {"base_url": base_of(self.base_url)}, assumptions=assumptions, layers=layers, caps=caps)


def options_of(provider: str, given: Mapping[str, Any]) -> Options:
    """Return the options of one provider's run, for a value of each of SPECS; raises MistakenError.

    Without a base URL it is only the provider's path: its host is known once a simulator runs.
    """
    base = given["base_url"]
    adapter = given["adapter"] or ("soundstage" if base is None else "none")
    if base is None and adapter == "none":
        raise MistakenError("without --base-url a simulator is started, and that is set up by --adapter soundstage")
    if base is not None:
        _check_url(base)
    _check_key(given["api_key"])
    if adapter == "none" and given["api_key"] is None:
        raise MistakenError("--base-url needs --api-key, or --adapter soundstage where a Soundstage listens there")
    _check_caps(provider, given, adapter)
    known = {name: value for name, value in given.items() if name in _NAMES}
    return Options(**{**known, "provider": provider, "base_url": base or f"/{provider}", "adapter": adapter})


def _check_url(base: str) -> None:
    if "://" not in base:
        raise MistakenError(f"--base-url needs a scheme, such as http://{base[:100]}")
    try:
        parts = urlsplit(base)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError as error:
        raise MistakenError(f"--base-url is no URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_right or not base.isascii():
        raise MistakenError("--base-url must be an http or https URL with a host, in plain ASCII")
    if parts.username is not None or parts.password is not None:
        raise MistakenError("--base-url must hold no user and password; the key goes to --api-key")


def _check_key(key: str | None) -> None:
    if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key and key):
        raise MistakenError("--api-key must be printable ASCII without spaces around it, as it goes into a header")


def _check_caps(provider: str, given: Mapping[str, Any], adapter: str) -> None:
    kept = [name for name in ("max_requests", "deadline", "allow") if given[name]]
    if kept and given["max_credits"] is None and adapter != "none":
        raise MistakenError(f"--{kept[0].replace('_', '-')} is kept by the guard of --max-credits; give that too")
    known = {operation.name for operation in Contract(provider, assumptions=True).operations}
    for name in given["allow"]:
        if name not in known:
            raise MistakenError(
                f"--allow {name[:60]}: {provider} has no such operation; it has {', '.join(sorted(known))}"
            )


def checked(name: str | None, ask: str = "") -> str:
    """Return the id of a provider there is; raises MistakenError, which begins with `ask` where none was named."""
    known = providers()
    if name is None:
        raise MistakenError(f"{ask}{', '.join(known)}")
    if name not in known:
        raise MistakenError(f"there is no provider {name[:60]!r}; there are {', '.join(known)}")
    return name


_NAMES = {one.name for one in fields(Options)}
