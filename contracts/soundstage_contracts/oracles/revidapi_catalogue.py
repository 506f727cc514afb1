"""Compares RevidAPI's catalogue with the published tables, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from soundstage_contracts.drivers.base import Price
from soundstage_contracts.oracles import revidapi

_PICKS = ("resolution", "duration", "audio", "speed", "quality")
"""The fields that a row may name."""


def differences(models: Mapping[str, Any]) -> Iterator[str]:
    """Yield, as sentences that name the cell, where the models of a catalogue differ from the published tables."""
    for name in sorted(models.keys() ^ revidapi.MODELS.keys()):
        yield f"{name} is in {'the catalogue' if name in models else 'the published tables'} only"
    for cell in revidapi.CELLS:
        found = [row["credits"] for row in _rows(models[cell.fields["model"]], cell)]
        if not found or min(found) != cell.credits:
            said = min(found) if found else "nothing"
            yield f"{cell.name} costs {cell.credits} ({cell.source}), and the catalogue says {said}"
    grok = sorted(row["credits"] for row in models["grok-i2v"]["rows"])
    if tuple(grok) != revidapi.GROK:
        yield f"grok-i2v has the prices {revidapi.GROK} (R-REV-139), and the catalogue {grok}"
    for name, model in models.items():
        yield from _span(name, model)


def _rows(model: Mapping[str, Any], cell: revidapi.Cell) -> Iterator[Mapping[str, Any]]:
    """Yield the rows that fit a cell, with the defaults for what it does not ask."""
    asked = {name: cell.fields.get(name, model.get(f"default_{name}")) for name in _PICKS}
    asked["audio"] = bool(cell.fields.get("audio"))
    for row in model["rows"]:
        if cell.key is not None and (row["server"], row["key"]) != (cell.server, cell.key):
            continue
        if all(row[name] == asked[name] for name in _PICKS if name in row):
            yield row


def _span(name: str, model: Mapping[str, Any]) -> Iterator[str]:
    published = revidapi.MODELS.get(name)
    if published is None or published.span is None:
        return
    span = Price(*published.span, published.source)
    for row in model["rows"]:
        if not span.holds(row["credits"]):
            cell = f"{name} {row['server']} {row['key']}"
            yield f"{cell} costs {span} ({span.source}), and the catalogue says {row['credits']}"
    least, most = min(row["credits"] for row in model["rows"]), max(row["credits"] for row in model["rows"])
    if (least, most) != published.span:
        yield f"{name} costs {span} ({span.source}), and the catalogue's rows {least} to {most}"
