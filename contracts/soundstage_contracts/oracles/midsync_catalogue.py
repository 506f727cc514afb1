"""Compares MidSync's catalogue with the published points, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from soundstage_contracts.oracles import midsync


def differences(models: Mapping[str, Any]) -> Iterator[str]:
    """Yield, as sentences that name the cell, where the models of a catalogue differ from the published points."""
    for cell in midsync.CELLS:
        row = _points(models, cell.fields)
        if row is None:
            yield f"{cell.name} costs {cell.points} ({cell.source}), and the catalogue has no such row"
        elif row != cell.points:
            yield f"{cell.name} costs {cell.points} ({cell.source}), and the catalogue says {row}"
    if _points(models, midsync.NOT_OFFERED) is not None:
        yield f"{midsync.NOT_OFFERED} is not offered, and the catalogue has a row for it"
    for name, model in models.items():
        for row in model["price"].get("rows", ()):
            known = midsync.price({"model": name, **row["when"]})
            if known is not None and not known.holds(row["points"]):
                yield f"{name} {row['when']} costs {known} ({known.source}), and the catalogue says {row['points']}"


def _points(models: Mapping[str, Any], fields: Mapping[str, Any]) -> int | None:
    price = models[fields["model"]]["price"]
    if price["kind"] == "formula":
        base: int | None = price["base"].get(fields["resolution"])
        return None if base is None else base + (fields["duration"] - price["from_seconds"]) * int(price["per_second"])
    wanted = {name: fields.get(name) for name in price["by"]}
    return next((int(row["points"]) for row in price["rows"] if row["when"] == wanted), None)
