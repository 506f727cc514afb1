"""The /v2 gateway's scopes with their invented credits and run times, read once from its catalogue.

Source: schemas/v2gateway/catalogue.yaml, where every cell says whether it is documented or assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from soundstage.core.money import micros
from soundstage.resources import read_yaml, schema_root

# Names that the family's published pages show (R-V2-011, R-V2-025 and the Veo names beside it). A submit takes any
# name; ASSUMED: these are the ones that a key may be limited to.
NAMES = frozenset([
    "veo2", "veo2-fast", "veo2-fast-frames", "veo2-fast-components", "veo2-pro", "veo2-pro-components", "veo3",
    "veo3-fast", "veo3-fast-frames", "veo3-frames", "veo3-pro", "veo3-pro-frames", "veo3.1", "veo3.1-fast",
    "veo3.1-pro", "veo3.1-4k", "veo3.1-pro-4k", "sora-2", "sora-2-pro", "wan3.0-video", "grok", "veo",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What a task costs (micros), how long it runs, whether its id begins with the model, what its polls add."""

    price: int
    run_ms: int
    id_has_model: bool
    extras: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope: the media it makes, how long its tasks wait, its terms, and other terms by how a model begins."""

    id: str
    media: str
    queued_ms: int
    usual: Terms
    rules: tuple[tuple[str, Terms], ...]

    def terms(self, model: str) -> Terms:
        """Return the terms of a model, whose name may be any."""
        name = model.lower()
        return next((terms for prefix, terms in self.rules if name.startswith(prefix)), self.usual)


@cache
def scopes() -> Mapping[str, Scope]:
    """Return the gateway's scopes by id."""
    data = read_yaml(schema_root() / "v2gateway" / "catalogue.yaml")
    return {name: _scope(name, given, data["queued_seconds"] * 1000) for name, given in data["scopes"].items()}


@cache
def scope_of(media: str) -> Scope:
    """Return the scope that makes a kind of media."""
    return next(scope for scope in scopes().values() if scope.media == media)


def _scope(name: str, given: Mapping[str, Any], queued_ms: int) -> Scope:
    rules = tuple((rule["prefix"], _terms({**given, **rule})) for rule in given["rules"])
    return Scope(name, given["media"], queued_ms, _terms(given), rules)


def _terms(given: Mapping[str, Any]) -> Terms:
    return Terms(
        price=micros(given["credits"]),
        run_ms=given["seconds"] * 1000,
        id_has_model=given["id"] == "model",
        extras=MappingProxyType(given.get("extras", {})),
    )
