"""Compares the catalogues' price rows with the suite's own published prices, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from soundstage_contracts.drivers.base import Price
from soundstage_contracts.oracles import midsync, revidapi

_PICKS = ("resolution", "duration", "audio", "speed", "quality")
"""The fields that a RevidAPI row may name."""


def differences(provider: str, catalogue: Mapping[str, Any]) -> Iterator[str]:
    """Yield, as sentences that name the cell, where a catalogue and the published prices differ."""
    judge = _JUDGES.get(provider)
    if judge is not None:
        yield from judge(catalogue["models"])


def _midsync(models: Mapping[str, Any]) -> Iterator[str]:
    for cell in midsync.CELLS:
        row = _midsync_row(models, cell.fields)
        if row is None:
            yield f"{cell.name} costs {cell.points} ({cell.source}), and the catalogue has no such row"
        elif row != cell.points:
            yield f"{cell.name} costs {cell.points} ({cell.source}), and the catalogue says {row}"
    if _midsync_row(models, midsync.NOT_OFFERED) is not None:
        yield f"{midsync.NOT_OFFERED} is not offered, and the catalogue has a row for it"
    for name, model in models.items():
        for row in model["price"].get("rows", ()):
            known = midsync.price({"model": name, **row["when"]})
            yield from _outside(f"{name} {row['when']}", row["points"], known)


def _midsync_row(models: Mapping[str, Any], fields: Mapping[str, Any]) -> int | None:
    price = models[fields["model"]]["price"]
    if price["kind"] == "formula":
        base: int | None = price["base"].get(fields["resolution"])
        return None if base is None else base + (fields["duration"] - price["from_seconds"]) * int(price["per_second"])
    wanted = {name: fields.get(name) for name in price["by"]}
    return next((int(row["points"]) for row in price["rows"] if row["when"] == wanted), None)


def _revidapi(models: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(models.keys() ^ revidapi.MODELS.keys()):
        yield f"{name} is in {'the catalogue' if name in models else 'the published tables'} only"
    for cell in revidapi.CELLS:
        found = [row["credits"] for row in _revid_rows(models[cell.fields["model"]], cell)]
        if not found or min(found) != cell.credits:
            said = min(found) if found else "nothing"
            yield f"{cell.name} costs {cell.credits} ({cell.source}), and the catalogue says {said}"
    grok = sorted(row["credits"] for row in models["grok-i2v"]["rows"])
    if tuple(grok) != revidapi.GROK:
        yield f"grok-i2v has the prices {revidapi.GROK} (R-REV-139), and the catalogue {grok}"
    for name, model in models.items():
        yield from _revid_span(name, model)


def _revid_rows(model: Mapping[str, Any], cell: revidapi.Cell) -> Iterator[Mapping[str, Any]]:
    """Yield the rows that fit a cell, with the defaults for what it does not ask."""
    asked = {name: cell.fields.get(name, model.get(f"default_{name}")) for name in _PICKS}
    asked["audio"] = bool(cell.fields.get("audio"))
    for row in model["rows"]:
        if cell.key is not None and (row["server"], row["key"]) != (cell.server, cell.key):
            continue
        if all(row[name] == asked[name] for name in _PICKS if name in row):
            yield row


def _revid_span(name: str, model: Mapping[str, Any]) -> Iterator[str]:
    published = revidapi.MODELS.get(name)
    if published is None or published.span is None:
        return
    span = Price(*published.span, published.source)
    for row in model["rows"]:
        yield from _outside(f"{name} {row['server']} {row['key']}", row["credits"], span)
    least, most = min(row["credits"] for row in model["rows"]), max(row["credits"] for row in model["rows"])
    if (least, most) != published.span:
        yield f"{name} costs {span.least} to {span.most} ({span.source}), and the catalogue's rows {least} to {most}"


def _outside(cell: str, amount: Any, known: Price | None) -> Iterator[str]:
    if known is None or known.least <= Decimal(str(amount)) <= known.most:
        return
    wanted = f"{known.least}" if known.exact else f"{known.least} to {known.most}"
    yield f"{cell} costs {wanted} ({known.source}), and the catalogue says {amount}"


_JUDGES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {"midsync": _midsync, "revidapi": _revidapi}
