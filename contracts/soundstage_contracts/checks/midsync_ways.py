"""How MidSync's checks ask and add up: bodies for each path, all rows of the usage logs, exact amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.midsync import RUNWAY
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import shown
from soundstage_contracts.verdict import Broken, NotTested, expect

QUOTE, GENERATE, CREATE = "/unified-video/quote", "/unified-video/generate", "/v1/videos/generations"
MODELS, STATUS = "/unified-video/models", "/unified-video/{}/status"
LOGS, SUMMARY = "/v1/usage/logs", "/v1/usage/summary"
CREATES = (GENERATE, CREATE)
LANDING_DAYS = {"start_date": "2000-01-01", "end_date": "2099-12-31"}
"""A window that has every row in it; naming it makes a usage request a landing request."""
MOST_ROWS = 2000


def body_of(model: str, **fields: Any) -> dict[str, Any]:
    """Return a body in the developer form with this model, what it cannot do without, and `fields`."""
    needed = {"aspectRatio": "16:9"} if model == RUNWAY else {}
    return {"model": model, "prompt": PROMPT, **needed, **fields}


def points(stage: Stage, body: dict[str, Any], account: Account | None = None) -> Decimal:
    """Return what a quote says of a body."""
    reply = stage.answered(Request.json(QUOTE, body), account)
    expect(reply.field("success") is True, "a quote that was answered does not say success true")
    return amount(reply.field("pointsCharged"))


def made(stage: Stage, body: dict[str, Any], account: Account | None = None, path: str = GENERATE) -> Reply:
    """Make a task of a body and return the reply; raises NotTested where a given account has too few points."""
    reply = stage.call(Request.json(path, body), account)
    if stage.target.adapter is None and reply.status == stage.driver.errors["credits"].status:
        raise NotTested("the account that was given has too few points")
    if reply.status != 200:
        raise Broken(f"{path} answers {reply.status}: {shown(reply)}")
    return reply


def play_money(stage: Stage) -> None:
    """Go on only where creates cost nobody anything; raises NotTested elsewhere."""
    stage.books()


def customer(stage: Stage) -> Account:
    """Return an account with usage in its past; without an adapter the one that was given."""
    return stage.account() if stage.target.adapter is None else stage.account(history=50)


def rows(stage: Stage, account: Account | None = None, **query: Any) -> list[dict[str, Any]]:
    """Return every row of the usage logs that fits `query`, page by page as in the documented example."""
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_ROWS // 20 + 1):
        reply = stage.answered(Request.get(LOGS, {"page": page, "limit": 20, **query}), account)
        total, came = reply.field("pagination", "total"), reply.field("logs")
        found += came
        if not came or len(found) >= total:
            expect(len(found) == total, f"the logs say {total} rows in all, and their pages have {len(found)}")
            return found
    raise NotTested(f"the account has more than {MOST_ROWS} usage rows")


def summary(stage: Stage, account: Account | None = None, **query: Any) -> dict[str, Any]:
    """Return the usage summary."""
    return stage.answered(Request.get(SUMMARY, query), account).object()


def landing_rows(stage: Stage, account: Account | None = None, **days: str) -> list[dict[str, Any]]:
    """Return the rows of the landing form's usage logs, of all days unless some are named."""
    reply = stage.answered(Request.get(LOGS, days or LANDING_DAYS), account)
    names = set(reply.object())
    exact = names == {"logs"} or (not stage.assumptions and names >= {"logs"})
    expect(exact, f"landing logs have logs and nothing else, not {sorted(names)}")
    found: list[dict[str, Any]] = reply.field("logs")
    return found


def charged(row: dict[str, Any]) -> Decimal:
    """Return the points of a row of either form, 0 where points do not apply."""
    value = row["points_consumed"] if "points_consumed" in row else row["pointsCharged"]
    return Decimal(0) if value is None else amount(value)


def history(stage: Stage, **query: Any) -> list[dict[str, Any]]:
    """Return the usage rows of an account that has some; raises NotTested where there are hardly any."""
    found = rows(stage, customer(stage), **query)
    if len(found) < 3:
        raise NotTested("the account has too little usage to tell anything by it")
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    """Return the rows' ids."""
    return [row["id"] for row in found]
