"""MidSync's usage queries: pages that leave out nothing and show nothing twice, and values that are refused."""

from __future__ import annotations

from typing import Any

from soundstage_contracts.checks.midsync_ways import LOGS, SUMMARY, history, ids
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import NotTested, expect


@promise("PAGE-101", {"midsync": "R-MID-110 R-MID-113 R-MID-116"}, each=("1", "7", "20"))
def pages(stage: Stage, case: str) -> None:
    """The pages of the usage logs hold every row once, each page says which it is, and the total is theirs."""
    limit = int(case)
    whole = history(stage)
    if len(whole) > 60:
        raise NotTested("the account has too many rows to turn their pages one by one")
    found: list[dict[str, Any]] = []
    for page in range(1, -(-len(whole) // limit) + 1):
        reply = stage.answered(Request.get(LOGS, {"page": page, "limit": limit}))
        came, about = reply.field("logs"), reply.field("pagination")
        expect(about["page"] == page, f"page {page} says it is page {about['page']}")
        expect(about["limit"] == limit, f"{limit} rows a page were asked for, and the page says {about['limit']}")
        expect(about["total"] == len(whole), f"page {page} says {about['total']} rows in all; there are {len(whole)}")
        left = min(limit, len(whole) - len(found))
        expect(len(came) == left, f"page {page} at {limit} a page has {len(came)} rows, not {left}")
        found += came
    expect(len(set(ids(found))) == len(found), "a row stands on two pages")
    expect(found == whole, "the rows of the pages are not those of the whole list, in its order")


@promise(
    "PAGE-102",
    {"midsync": "R-MID-116"},
    assumed={"midsync": "defaults and limits of page and limit are unpublished"},
)
def page_defaults(stage: Stage) -> None:
    """Without page and limit the first 20 rows come; up to 100 may be asked for; past the end there are none."""
    whole = history(stage)
    plain = stage.answered(Request.get(LOGS))
    expect(plain.field("logs") == whole[:20], "without a page the first 20 rows should come")
    expect(
        plain.field("pagination") == {"page": 1, "limit": 20, "total": len(whole)}, "the defaults are page 1, limit 20"
    )
    most = stage.answered(Request.get(LOGS, {"limit": 100}))
    expect(most.field("logs") == whole[:100], "a limit of 100 brings other rows than the first 100")
    past = stage.answered(Request.get(LOGS, {"page": 9999}))
    expect(past.field("logs") == [], "a page past the end has rows")
    expect(
        past.field("pagination") == {"page": 9999, "limit": 20, "total": len(whole)}, "a page past the end counts wrong"
    )


_REFUSED_QUERIES = (
    *({"page": value} for value in ("0", "-1", "x", "1.5", "")),
    *({"limit": value} for value in ("0", "-1", "101", "x", "")),
    *({name: value} for name in ("from", "to") for value in ("yesterday", "2026-02-30", "2026-01-01T25:00:00Z", "")),
    *({name: value} for name in ("start_date", "end_date") for value in ("x", "2026-1-1", "2026-01-01T00:00:00Z", "")),
)


@promise(
    "USAGE-101",
    {"midsync": "R-MID-110 R-MID-117 R-MID-120"},
    assumed={"midsync": "no document says how a value that is no page, no number and no date is answered"},
    each=(LOGS, SUMMARY),
)
def refused_queries(stage: Stage, case: str) -> None:
    """A query that is no page, no number or no date is refused; one that nobody knows is ignored."""
    for query in _REFUSED_QUERIES:
        if case == LOGS or not {"page", "limit"} & set(query):
            stage.refused(Request.get(case, query), "invalid")
    if case == SUMMARY:
        stage.refused(Request.get(case, {"groupBy": "day"}), "invalid")
    plain = stage.answered(Request.get(case)).object()
    expect(
        stage.answered(Request.get(case, {"colour": "blue"})).object() == plain, "an unknown query changes the reply"
    )
