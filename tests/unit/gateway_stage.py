"""A stage of API-Key accounts, and what their requests should cost, worked out from the catalogue alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soundstage.core.money import MICROS, micros
from soundstage.core.universe import Key, find_key, open_key, open_universe
from soundstage.core.view import Tx
from soundstage.resources import read_yaml, schema_root
from unit.stage import Stage

CREATE = {"video": "createVideoTask", "image": "createImageTask", "music": "createMusicTask"}
MODELS: Mapping[str, Any] = read_yaml(schema_root() / "apikeyorg" / "catalogue.yaml")["models"]
# `k` may do everything, `poor` can pay for little, `narrow` may use one model.
CREDITS: Mapping[str, int] = {"k": 2_000, "poor": 45, "narrow": 500}
ONLY = "seedance-2-fast"


@dataclass
class GatewayStage(Stage):
    """A world of one universe with three API-Key accounts; `who` is the one that asks next."""

    provider: str = "apikeyorg"
    who: str = "k"

    def enter(self, tx: Tx) -> Key:
        """Return the key that asks, the universe and every account opened on first use."""
        found = find_key(tx, self.who)
        if found is None:
            open_universe(tx, self.world.opening)
            for name, credits_ in CREDITS.items():
                open_key(tx, _account(name, credits_))
            found = find_key(tx, self.who)
            assert found is not None
        return found

    def tables(self) -> dict[str, dict[Any, Any]]:
        """Return every row of the universe, by table; rows are immutable, so a later look can be compared."""
        self.do(lambda tx: None)
        view = self.world.store.peek(self.universe)
        assert view is not None
        return {name: dict(table.rows) for name, table in view.tables.items() if table.rows}


def _account(name: str, credits_: int) -> Key:
    return Key(
        id=name,
        provider="apikeyorg",
        account=name,
        wallet=name,
        shown="…",
        secret="sec_74657374",
        models=frozenset({ONLY}) if name == "narrow" else None,
        credits=credits_ * MICROS,
    )


def made_price(model: str, fields: Mapping[str, Any], seconds: int | None) -> int:
    """Return what a task costs that makes `seconds`, in micros."""
    entry = MODELS[model]
    price = entry["price"]
    row = {
        "resolution": fields.get("resolution") or entry.get("default_resolution"),
        "input_mode": "image-to-video" if fields.get("images") else "text-to-video",
    }
    if entry["category"] == "video":
        row["input_mode"] = "video-to-video" if fields.get("videos") else row["input_mode"]
    rates = [
        one["credits"] for one in price.get("rows", ()) if all(row[name] == one["when"][name] for name in price["by"])
    ]
    rate: int = rates[0] if rates else price["credits"]
    if entry["category"] == "image":
        return rate * int(fields.get("n") or 1) * MICROS
    assert seconds is not None
    units = seconds if entry["category"] == "video" else -(-seconds // 30)
    return rate * units * MICROS


def estimated(model: str, fields: Mapping[str, Any]) -> int:
    """Return what a task reserves, in micros: without a duration, for the longest the model would choose."""
    span = MODELS[model].get("duration")
    seconds = fields.get("duration")
    if seconds is None and span is not None:
        seconds = span["auto"]["maximum"]
    return made_price(model, fields, seconds)


def token_price(model: str, read: int, written: int) -> int:
    """Return what tokens cost, in micros."""
    price = MODELS[model]["price"]
    return (read * micros(price["input"]) + written * micros(price.get("output", "0"))) // 1000
