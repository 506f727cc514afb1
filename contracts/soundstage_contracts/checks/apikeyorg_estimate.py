"""API-Key's estimate: free, open to anybody, and exactly what a task then reserves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from soundstage_contracts.checks.apikeyorg_errors import denied
from soundstage_contracts.checks.apikeyorg_models import entry
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.apikeyorg import CREATES, ESTIMATE, MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import expect

EXAMPLE: Mapping[str, Any] = {
    "model": "seedance-2-fast",
    "modality": "video",
    "duration": 6,
    "resolution": "720p",
    "input_mode": "text-to-video",
    "max_credits": 250,
}
"""R-KEY-030, as it is printed."""
UNPUBLISHED = {"apikeyorg": "what an estimate answers (R-KEY-036)"}
TASK_MODELS = {
    "seedance-2": "video",
    "seedance-2-fast": "video",
    "seedream-4": "image",
    "flux-2-pro": "image",
    "suno-5": "music",
    "lyria-3": "music",
}
PICTURE, CLIP = "https://media.example.com/boat.png", "https://media.example.com/boat.mp4"


def estimated(stage: Stage, **fields: Any) -> Decimal:
    """Return the credits of an estimate with these fields."""
    return stage.driver.quoted(stage.answered(Request.json(ESTIMATE, fields)))


@promise("PRICE-401", {"apikeyorg": "R-KEY-021 R-KEY-030 R-KEY-031"})
def example(stage: Stage) -> None:
    """The documented estimate is answered, and as we read it to anybody, without any key."""
    request = Request.json(ESTIMATE, dict(EXAMPLE))
    # The example shows no key, and the document wants one with every request (A-KEY-01).
    reply = stage.bare(request) if stage.assumptions else stage.call(request)
    expect(reply.status == 200, f"the documented estimate answers {reply.status}")
    expect(bool(reply.object()), "the estimate says nothing")
    if stage.assumptions:
        _says(reply, EXAMPLE, "video")
        for form in stage.driver.key_forms:
            expect(stage.call(request, None, form).body == reply.body, "an estimate depends on who asks")


def _says(reply: Reply, asked: Mapping[str, Any], kind: str) -> None:
    said, most = reply.object(), asked.get("max_credits")
    wanted = {"object": "gateway.credits.estimate", "model": asked["model"], "modality": kind, "currency": "credits"}
    wanted |= {"max_credits": most, "within_budget": None if most is None else said["credits"] <= most}
    shown = {name: said[name] for name in wanted}
    expect(shown == wanted, f"an estimate for {dict(asked)} should say {wanted}, and says {shown}")
    expect(said["credits"] > 0, "the estimate says that it is free")


@promise("PRICE-402", {"apikeyorg": "R-KEY-021 R-KEY-037"}, assumed=UNPUBLISHED, each=tuple(TASK_MODELS))
def estimate_says(stage: Stage, case: str) -> None:
    """An estimate repeats model, modality and budget, and no other modality than the model's own is accepted."""
    kind = TASK_MODELS[case]
    for asked in ({"model": case}, {"model": case, "modality": kind, "max_credits": 0}):
        _says(stage.answered(Request.json(ESTIMATE, asked)), asked, kind)
    for other in sorted({*CREATES.values(), "audio"} - {kind}):
        denied(stage, Request.json(ESTIMATE, {"model": case, "modality": other}), "invalid", "modality")


@promise("PRICE-403", {"apikeyorg": "R-KEY-034 R-KEY-036"}, assumed=UNPUBLISHED)
def budget_in_estimate(stage: Stage) -> None:
    """An estimate above its max_credits is answered, not refused, and says whether it fits; equal fits."""
    cost = estimated(stage, **EXAMPLE)
    for most in (None, 0, cost - 1, cost - Decimal("0.5"), cost, cost + Decimal("0.5"), cost + 1):
        sent = None if most is None else float(most)
        asked = {**EXAMPLE, "max_credits": sent}
        reply = stage.answered(Request.json(ESTIMATE, asked))
        _says(reply, asked, "video")
        expect(reply.field("credits") == cost, "a budget changes the estimate")


@promise("MONEY-401", assumed={"apikeyorg": "that an estimate needs no credits, and is the same each time"})
def estimating_needs_nothing(stage: Stage) -> None:
    """Who has nothing may estimate everything, and the same estimate has the same answer each time."""
    account = stage.account(balance=0)
    for creation in stage.driver.creations():
        quote = stage.driver.quote(creation.build(PROMPT))
        bodies = {stage.answered(quote, account).body for _ in range(3)}
        expect(len(bodies) == 1, "the same estimate has two answers")


def _rows(model: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Decimal]]:
    """Yield fields of a request and what the list of models says they cost, for every row of a model's prices."""
    price, length = model["pricing"], model["parameters"].get("duration")
    if price["kind"] == "per_started_30_seconds":
        for seconds in (length["minimum"], 30, 31, 60, length["maximum"]):
            yield {"duration": seconds}, Decimal(-(-seconds // 30)) * amount(price["credits"])
    for row in price.get("rows", ()):
        when, each = dict(row["when"]), amount(row["credits"])
        counts = (length["minimum"], length["maximum"]) if price["kind"] == "per_second" else (1, 4)
        for count in counts:
            yield {"duration" if price["kind"] == "per_second" else "n": count, **when}, count * each


@promise(
    "PRICE-404",
    {"apikeyorg": "R-KEY-020 R-KEY-021 R-KEY-048"},
    assumed={"apikeyorg": "how the list of models tells prices (R-KEY-036)"},
    each=tuple(TASK_MODELS),
)
def one_price(stage: Stage, case: str) -> None:
    """What the list of models says, the estimate, and what a task holds and then spends are one amount, row by row."""
    kind = TASK_MODELS[case]
    path = next(one for one, made in CREATES.items() if made == kind)
    for fields, cost in _rows(entry(stage, case)):
        said = estimated(stage, model=case, modality=kind, **fields)
        expect(said == cost, f"{case} {fields} costs {cost} by the list of models and {said} by the estimate")
        account = stage.account()
        stage.answered(Request.json(path, {"model": case, "prompt": PROMPT, **fields, **_reference(fields)}), account)
        held = stage.books(account).held
        expect(held == cost, f"{case} {fields} is estimated at {cost}, and the task holds {held}")
        stage.adapter.finish(account)
        books = stage.books(account)
        spent = (books.held, books.spent, books.available)
        expect(
            spent == (Decimal(0), cost, books.issued - cost), f"{case} {fields} costs {cost}, and the books say {books}"
        )


def _reference(fields: Mapping[str, Any]) -> dict[str, Any]:
    mode = str(fields.get("input_mode"))
    return {"image-to-video": {"images": [PICTURE]}, "video-to-video": {"videos": [CLIP]}}.get(mode, {})


@promise("PRICE-405", {"apikeyorg": "R-KEY-040 R-KEY-048"}, assumed={"apikeyorg": "the price without a duration"})
def left_out(stage: Stage) -> None:
    """What is left out of an estimate counts as the default, and a length as the longest that the model chooses."""
    for model in stage.answered(Request.get(MODELS)).field("data"):
        if model["category"] not in CREATES.values():
            continue
        known, name = model["parameters"], model["id"]
        full: dict[str, Any] = {"resolution": known.get("default_resolution"), "modality": model["category"]}
        full |= {"input_mode": "text-to-video"} if model["category"] == "video" else {}
        full |= {"n": 1} if model["category"] == "image" else {"duration": known["duration"]["auto"]["maximum"]}
        bare, whole = estimated(stage, model=name), estimated(stage, model=name, **full)
        expect(bare == whole, f"{name} is estimated at {bare}, and with its defaults {full} at {whole}")
        nulls = estimated(stage, model=name, **dict.fromkeys(full))
        expect(nulls == bare, f"{name} is estimated at {bare}, and at {nulls} with nulls")


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model"),
    "a chat model": ({"model": "gpt-5-mini"}, "model"),
    "an embedding model": ({"model": "text-embedding-3-small"}, "model"),
    "too short": ({"duration": 3}, "duration"),
    "too long": ({"duration": 16}, "duration"),
    "half a second": ({"duration": 6.5}, "duration"),
    "a text for seconds": ({"duration": "6"}, "duration"),
    "an unknown resolution": ({"resolution": "719p"}, "resolution"),
    "another model's resolution": ({"resolution": "1080p"}, "resolution"),
    "an unknown mode": ({"input_mode": "audio-to-video"}, "input_mode"),
    "a number of videos": ({"n": 2}, "n"),
    "a negative budget": ({"max_credits": -1}, "max_credits"),
    "a budget in text": ({"max_credits": "250"}, "max_credits"),
}


@promise("PRICE-406", {"apikeyorg": "R-KEY-030 R-KEY-037"}, assumed={"apikeyorg": "limits"}, each=tuple(REFUSED))
def no_estimate(stage: Stage, case: str) -> None:
    """An estimate with a value that is not on offer is refused, and the refusal names the field."""
    fields, param = REFUSED[case]
    denied(stage, Request.json(ESTIMATE, {**EXAMPLE, **fields}), "invalid", param)
