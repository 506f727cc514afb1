"""What RevidAPI's checks ask for: a plain request of every model, roomy accounts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from soundstage_contracts import clock
from soundstage_contracts.adapters.base import Account
from soundstage_contracts.drivers.base import Created, amount
from soundstage_contracts.drivers.revidapi import CLIP, PICTURE
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.revidapi import MODELS, PATHS
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started, shown
from soundstage_contracts.verdict import NotTested, expect

ONLY = "revidapi"
PAID = tuple(model.id for model in MODELS.values() if model.path != PATHS["kol"])
"""Models whose jobs need no upload."""
WAYS = tuple(name for name in PATHS if name != "kol")
"""The names of the paths that make jobs without an upload."""


_NOT_THE_PAGE = frozenset({401, 402, 403, 405, 408, 415, 429})


def fields(model: str, **more: Any) -> dict[str, Any]:
    """Return the plainest body of a model, with more fields; None takes one away."""
    known = MODELS[model]
    base: dict[str, Any] = {"model": model, "prompt": PROMPT}
    if known.path == PATHS["motion"]:
        base = {"model": model, "character_image_url": PICTURE, "motion_video_url": CLIP}
    elif known.path == PATHS["video"] and not known.from_text:
        base["img_url"] = PICTURE
    return {name: value for name, value in (base | more).items() if value is not None}


def job(model: str, **more: Any) -> Request:
    """Return the plainest request of a model, with more fields."""
    return Request.json(MODELS[model].path, fields(model, **more))


def way_of(model: str) -> str:
    """Return the name in PATHS of the path that makes a model's jobs."""
    return next(name for name, path in PATHS.items() if path == MODELS[model].path)


def cheapest(way: str) -> dict[str, Any]:
    """Return the cheapest body of a path by its name in PATHS."""
    model = {"image": "image-4.0", "video": "veo3.1-fast", "seedance": "seedance-2.0-fast"}
    return fields(model.get(way, "motion-control-3.0"))


def form(path: str, body: Mapping[str, Any], *files: tuple[str, str, str, bytes]) -> Request:
    """Return a body as a multipart form: texts, true and false in words, lists as repeated fields."""
    given = [(name, one) for name, value in body.items() for one in (value if isinstance(value, list) else [value])]
    return Request.multipart(path, [(name, _text(one)) for name, one in given], files)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def roomy(stage: Stage, **wanted: Any) -> Account:
    """Return an account whose jobs never have to wait for a place."""
    much = dict.fromkeys(("total_concurrent", "image_concurrent", "video_concurrent", "queue"), 10_000)
    return stage.account(limits=much, **wanted)


def looked_up(stage: Stage, request: Request, account: Account) -> Reply:
    """Return the answer to POST /download/extract about a page that is made up, which must have taken no credits.

    Without assumptions it may as well be a refusal of that page: another 4xx than those about keys, credits, the path,
    the body's form or the pace of calls.
    """
    adapted = stage.target.adapter is not None
    before = stage.taken(account) if adapted else None
    reply = stage.answered(request, account) if stage.assumptions else stage.call(request, account)
    kept = reply.status == 200 or (reply.status // 100 == 4 and reply.status not in _NOT_THE_PAGE)
    expect(kept, f"{request.path} answers {reply.status}: {shown(reply)}")
    expect(not adapted or stage.taken(account) == before, f"{request.path} took credits")
    return reply


def fresh(stage: Stage, **wanted: Any) -> Account:
    """Return an account that nothing has happened to; raises NotTested where there is no adapter to make one."""
    if stage.target.adapter is None:
        raise NotTested("it needs an account that nothing has happened to, and there is no adapter to make one")
    return stage.account(**wanted)


def begun(stage: Stage, account: Account, way: str, **more: Any) -> Started:
    """Start the cheapest job of a path, as `made` does."""
    creation = stage.creation(way)
    request = creation.build(PROMPT, **more)
    reply = _placed(stage, request, account)
    return Started(account, creation, request, reply, stage.driver.created(reply))


def made(stage: Stage, request: Request, account: Account | None = None) -> Created:
    """Create a job, which must succeed, and return what the reply says."""
    return stage.driver.created(_placed(stage, request, account or stage.someone))


def _placed(stage: Stage, request: Request, account: Account) -> Reply:
    """Return the reply of a create, which must succeed.

    Of an account that no adapter made all places may be taken, and then this waits for one; what it cannot pay is not
    tested.
    """
    reply, began = stage.call(request, account), clock.monotonic()
    refusals, alone = stage.driver.errors, stage.target.adapter is None
    while alone and reply.status == refusals["rate"].status and clock.monotonic() - began < stage.target.patience:
        stage.step(account)
        reply = stage.call(request, account)
    if alone and reply.status == refusals["credits"].status:
        raise NotTested(f"the account cannot pay for it: {shown(reply)}")
    expect(reply.status == 200, f"POST {request.path} answers {reply.status}: {shown(reply)}")
    return reply


def cost(stage: Stage, request: Request, account: Account | None = None) -> Decimal:
    """Create a job, which must succeed, and return its cost."""
    price = made(stage, request, account).price
    return Decimal(0) if price is None else price


def models(stage: Stage, account: Account | None = None) -> dict[str, Any]:
    """Return what GET /models lists, by model."""
    listed = stage.answered(Request.get("/v1/models"), account).field("models")
    names = [one["model"] for one in listed]
    expect(len(set(names)) == len(names), f"a model is listed twice: {names}")
    return dict(zip(names, listed, strict=True))


def the_model(stage: Stage, name: str) -> dict[str, Any]:
    """Return one listed model; raises Broken when it is not there."""
    listed = models(stage)
    expect(name in listed, f"GET /v1/models has no {name}")
    found: dict[str, Any] = listed[name]
    return found


def row_credits(row: Mapping[str, Any]) -> Decimal:
    """Return the credits of a price row."""
    return amount(row["credits"])


def row_fields(model: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body fields that lead to a price row, its server left out."""
    known = MODELS[model]
    asked = {name: row[name] for name in ("resolution", "duration", "audio", "quality") if name in row}
    if known.speeds or "speed" in row:
        asked["speed"] = row.get("speed", "fast")
    return asked
