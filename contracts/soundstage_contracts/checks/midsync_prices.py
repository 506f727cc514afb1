"""MidSync's points: every published price, on every path that can ask for it."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

from soundstage_contracts.checks.midsync_ways import (
    CREATE,
    CREATES,
    GENERATE,
    QUOTE,
    body_of,
    charged,
    landing_rows,
    made,
    play_money,
    points,
)
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Request
from soundstage_contracts.oracles.midsync import (
    CELLS,
    CREATE_KEYS,
    FORMULA,
    GOLDEN,
    GROK,
    KLING,
    MODELS,
    NOT_OFFERED,
    RUNWAY,
    SEEDANCE,
    Cell,
    landing,
)
from soundstage_contracts.oracles.midsync_fields import DEFAULTS, IMAGE
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import NotTested, expect

_DEAR = 20
"""Points that a promise may cost where they may be real ones, and another promise tells nearly as much."""


_CELLS = tuple(cell.name for cell in CELLS)
_LANDING_CELLS = tuple(cell.name for cell in CELLS if landing(cell) is not None)


def _cell(name: str) -> Cell:
    return next(cell for cell in CELLS if cell.name == name)


@promise("PRICE-101", {"midsync": "R-MID-023 R-MID-060 R-MID-100 R-MID-101 R-MID-105 R-MID-107"}, each=_CELLS)
def published_quotes(stage: Stage, case: str) -> None:
    """A published price is what a quote says."""
    cell = _cell(case)
    reply = stage.answered(Request.json(QUOTE, body_of(**cell.fields)))
    expect(reply.field("success") is True, "a quote that was answered does not say success true")
    quoted, model = amount(reply.field("pointsCharged")), reply.field("model")
    expect(quoted == cell.points, f"{case} is quoted at {quoted}; published are {cell.points}")
    expect(model == cell.fields["model"], f"the quote of {case} is for {model!r}")


@promise(
    "PRICE-102",
    {"midsync": "R-MID-055 R-MID-060 R-MID-085 R-MID-100 R-MID-101 R-MID-105 R-MID-107 R-MID-133"},
    each=_CELLS,
)
def published_charges(stage: Stage, case: str) -> None:
    """A published price is what both create paths charge, and what leaves the balance at once."""
    cell = _cell(case)
    if stage.target.adapter is None and cell.points > _DEAR:
        raise NotTested(f"it would cost {cell.points} points, and its quote says the same for nothing")
    for number, path in enumerate(CREATES, 1):
        shown = amount(made(stage, body_of(**cell.fields), path=path).field("pointsCharged"))
        expect(shown == cell.points, f"{path} charges {shown} for {case}; published are {cell.points}")
        if stage.target.adapter is not None:
            taken = stage.taken()
            expect(taken == cell.points * number, f"{number} of {case} took {taken}, at {cell.points} each")


@promise(
    "PRICE-103",
    {"midsync": "R-MID-065 R-MID-067 R-MID-101 R-MID-105 R-MID-107"},
    assumed={"midsync": "the landing page prints no price list; its one log example disagrees with the published cell"},
    each=_LANDING_CELLS,
)
def landing_prices(stage: Stage, case: str) -> None:
    """A task asked for in the landing form costs the published price of the same task in the developer form."""
    cell = _cell(case)
    play_money(stage)
    account = stage.account()
    body = {"prompt": PROMPT, **(landing(cell) or {})}
    made(stage, body, account, CREATE)
    expect(stage.taken(account) == cell.points, f"{case} took {stage.taken(account)}; published are {cell.points}")
    row = landing_rows(stage, account)[0]
    shown = charged(row)
    expect(shown == cell.points, f"the logs show {shown} points for {case}; published are {cell.points}")
    seconds = row["duration_seconds"]
    expect(seconds == cell.fields["duration"], f"the logs show {seconds} s for {case}")


@promise("PRICE-104", {"midsync": "R-MID-105"})
def ten_seconds_at_full_size(stage: Stage) -> None:
    """Ten seconds of Runway at 1080p are refused, by the quote and by every way to make a task."""
    stage.refused(Request.json(QUOTE, body_of(**NOT_OFFERED)), "invalid")
    if stage.target.adapter is None:
        return
    for path in CREATES:
        stage.refused(Request.json(path, body_of(**NOT_OFFERED)), "invalid")
    stage.refused(Request.json(QUOTE, body_of(**NOT_OFFERED, images=[IMAGE])), "invalid")
    if stage.assumptions:
        body = {"model": RUNWAY, "prompt": PROMPT, "duration_seconds": 10, "resolution": "1080p"}
        stage.refused(Request.json(CREATE, body), "invalid")


@promise(
    "PRICE-105",
    {
        "midsync": "R-MID-006 R-MID-050 R-MID-051 R-MID-052 R-MID-053 R-MID-054 R-MID-055 R-MID-056 R-MID-057 "
        "R-MID-058 R-MID-059 R-MID-060 R-MID-136"
    },
)
def golden_example(stage: Stage) -> None:
    """The documented example is answered as documented: nine keys, 20 points, submitted, 140 seconds."""
    reply = made(stage, GOLDEN, path=CREATE).object()
    expect(set(CREATE_KEYS) <= set(reply), f"the create reply lacks {sorted(set(CREATE_KEYS) - set(reply))}")
    known = {
        "success": True,
        "model": SEEDANCE,
        "providerModel": "bytedance/seedance-1.5-pro",
        "pointsCharged": 20,
        "status": "submitted",
        "estimatedTimeSec": 140,
    }
    if stage.assumptions:
        known["estimatedTime"] = "~2-3 min"
        expect(set(reply) == set(CREATE_KEYS), f"the create reply has {sorted(set(reply) - set(CREATE_KEYS))} besides")
    for name, wanted in known.items():
        expect(reply[name] == wanted, f"the example's {name} is {reply[name]!r}; the document prints {wanted!r}")


@promise("PRICE-106", {"midsync": "R-MID-107"})
def formula(stage: Stage) -> None:
    """Every second of Grok from 6 to 30 is quoted by the published formula, at both resolutions."""
    for cell in FORMULA:
        quoted = points(stage, body_of(**cell.fields))
        expect(quoted == cell.points, f"{cell.name} is quoted at {quoted}; the formula gives {cell.points}")


@promise(
    "PRICE-107",
    {"midsync": "R-MID-074 R-MID-100"},
    assumed={"midsync": "of the matrix by resolution, duration and sound one cell is published"},
)
def seedance_matrix(stage: Stage) -> None:
    """Seedance costs whole points that grow with resolution, with duration and with sound, quoted as charged."""
    axes: dict[str, tuple[Any, ...]] = {
        "resolution": ("480p", "720p", "1080p"),
        "duration": (4, 8, 12),
        "generateAudio": (False, True),
    }
    cells: dict[tuple[Any, ...], Decimal] = {}
    play_money(stage)
    for values in product(*axes.values()):
        body = body_of(SEEDANCE, **dict(zip(axes, values, strict=True)))
        cells[values] = points(stage, body)
        shown = amount(made(stage, body).field("pointsCharged"))
        expect(shown == cells[values], f"{values} is quoted at {cells[values]} and charged at {shown}")
    expect(stage.taken() == sum(cells.values()), "the balance lost another sum than the creates show")
    for values, price in cells.items():
        expect(price == int(price) and price > 0, f"{values} costs {price}, which is no whole number of points")
        for axis, (name, known) in enumerate(axes.items()):
            if (place := known.index(values[axis]) + 1) < len(known):
                more = cells[(*values[:axis], known[place], *values[axis + 1 :])]
                expect(more > price, f"more {name} than {values} costs {more}, and less costs {price}")


@promise("PRICE-108", {"midsync": "R-MID-074 R-MID-080 R-MID-081 R-MID-086"})
def minimal_body(stage: Stage) -> None:
    """The documented minimal body is taken, and what it leaves out means the same in a quote and in a create."""
    body = {"model": SEEDANCE, "prompt": GOLDEN["prompt"], "duration": 8, "resolution": "720p"}
    quoted = points(stage, body)
    if stage.assumptions:
        silent = points(stage, body | {"generateAudio": False, "aspectRatio": "16:9"})
        expect(quoted == silent, f"without generateAudio it costs {quoted}, with false {silent}")
    if stage.target.adapter is not None:
        shown = amount(made(stage, body, path=GENERATE).field("pointsCharged"))
        expect(
            shown == quoted or not stage.assumptions, f"the minimal body is quoted at {quoted} and charged at {shown}"
        )


_PRICELESS: dict[str, tuple[dict[str, Any], ...]] = {
    SEEDANCE: ({"images": [IMAGE]}, {"fixedLens": True}, {"nsfwChecker": True}, {"aspectRatio": "21:9"}),
    KLING: ({"images": [IMAGE]}, {"cfgScale": 1}, {"negativePrompt": "blur"}, {"resolution": "720p"}),
    RUNWAY: ({"images": [IMAGE]}, {"watermark": "boat"}, {"aspectRatio": "3:4"}, {"resolution": "1080p"}),
    GROK: ({"images": [IMAGE]}, {"mode": "fun"}, {"nsfwChecker": True}, {"referenceIndex": 5}),
}


@promise(
    "PRICE-109",
    {"midsync": "R-MID-074"},
    assumed={"midsync": "no default is published, nor that other fields cost nothing"},
    each=MODELS,
)
def what_prices_rest_on(stage: Stage, case: str) -> None:
    """A field left out costs what its default costs, and fields outside the price table do not change a price."""
    plain = points(stage, body_of(case))
    named = points(stage, body_of(case) | DEFAULTS[case])
    expect(plain == named, f"{case} without its priced fields costs {plain}, with their defaults {named}")
    changes = (*_PRICELESS[case], {"projectId": "boat-7"}, {"prompt": "Another boat, and a second one behind it"})
    for change in changes:
        other = points(stage, body_of(case) | change)
        expect(other == plain, f"{change} changes the price of {case} from {plain} to {other}")
    play_money(stage)
    shown = amount(made(stage, body_of(case)).field("pointsCharged"))
    expect(shown == plain, f"{case} is quoted at {plain} and charged at {shown}")
