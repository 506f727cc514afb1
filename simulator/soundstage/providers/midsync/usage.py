"""MidSync's usage logs and summary: views of the ledger, in both dialects (R-MID-110..123)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.clock import iso, parse_iso
from soundstage.core.money import MICROS, number
from soundstage.core.task import Task
from soundstage.core.usage import Use
from soundstage.core.view import Tx
from soundstage.core.wallet import charged
from soundstage.providers.midsync.catalogue import catalogue
from soundstage.providers.midsync.dialect import is_landing
from soundstage.providers.midsync.errors import reply_to
from soundstage.validation import WireModel, read, shown

_DAY_MS = 86_400_000
_MOST_LANDING_ROWS = 1000  # ASSUMED: that form has no paging
_DATE = r"^\d{4}-\d{2}-\d{2}$"


class Period(WireModel):
    """A date range of the developer form; ASSUMED: a bare date in `to` means the whole of that day."""

    from_: Annotated[str, Field(max_length=40)] | None = Field(default=None, alias="from")
    to: Annotated[str, Field(max_length=40)] | None = None


class LogsQuery(Period):
    """ASSUMED: page from 1, 20 rows a page unless asked, at most 100 (R-MID-116)."""

    page: Annotated[int, Field(ge=1, le=1_000_000, strict=False)] = 1
    limit: Annotated[int, Field(ge=1, le=100, strict=False)] = 20
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class SummaryQuery(Period):
    """`groupBy` changes nothing while the model is the only grouping there is."""

    groupBy: Literal["model"] | None = None  # noqa: N815 - the wire's name


class LandingQuery(WireModel):
    """The landing form's dates, both inclusive."""

    start_date: Annotated[str, Field(pattern=_DATE)] | None = None
    end_date: Annotated[str, Field(pattern=_DATE)] | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of either log, whatever it came from. Amounts in micros."""

    id: str
    model: str
    mode: str
    at: int
    charge: int
    consumed: int
    tokens: tuple[int, int, int] | None
    seconds: int | None


def logs(call: Call, tx: Tx) -> Reply:
    """GET /v1/usage/logs: one row per request, the newest first."""
    query = read(LogsQuery, call.query)
    if isinstance(query, Problem):
        return reply_to(query)
    span = _span("from", query.from_, "to", query.to)
    if isinstance(span, Problem):
        return reply_to(span)
    if is_landing(call):
        return _landing_logs(call, tx)
    rows = [row for row in _rows(tx, call, span) if query.model is None or row.model == query.model]
    page = rows[(query.page - 1) * query.limit : query.page * query.limit]
    return Reply(
        {
            "logs": [_log(_use(row)) for row in page],
            "pagination": {"page": query.page, "limit": query.limit, "total": len(rows)},
        }
    )


def summary(call: Call, tx: Tx) -> Reply:
    """GET /v1/usage/summary: the sums of the same rows."""
    query = read(SummaryQuery, call.query)
    if isinstance(query, Problem):
        return reply_to(query)
    span = _span("from", query.from_, "to", query.to)
    if isinstance(span, Problem):
        return reply_to(span)
    if is_landing(call):
        return _landing_summary(call, tx)
    requests: dict[str, int] = defaultdict(int)
    points: dict[str, int] = defaultdict(int)
    read_tokens = written_tokens = 0
    for row in _rows(tx, call, span):
        requests[row.model] += 1
        points[row.model] += charged(row.movements)
        if isinstance(row, Use) and row.tokens is not None:
            read_tokens += row.tokens[0]
            written_tokens += row.tokens[1]
    return Reply(
        {
            "totalPointsCharged": number(sum(points.values())),
            "totalRequests": sum(requests.values()),
            "totalInputTokens": read_tokens,
            "totalOutputTokens": written_tokens,
            "byModel": [
                {"model": model, "requests": requests[model], "pointsCharged": number(points[model])}
                for model in sorted(requests)
            ],
        }
    )


def _landing_logs(call: Call, tx: Tx) -> Reply:
    span = _landing_span(call)
    if isinstance(span, Problem):
        return reply_to(span)
    uses = (_use(row) for row in islice(_rows(tx, call, span), _MOST_LANDING_ROWS))
    return Reply(
        {
            "logs": [
                {
                    "timestamp": f"{iso(use.at)[:19]}Z",
                    "model": _name(use.model),
                    "duration_seconds": use.seconds or 0,
                    "points_consumed": number(use.charge),
                }
                for use in uses
            ]
        }
    )


def _landing_summary(call: Call, tx: Tx) -> Reply:
    span = _landing_span(call)
    if isinstance(span, Problem):
        return reply_to(span)
    points: dict[str, int] = defaultdict(int)
    seconds = 0
    for row in _rows(tx, call, span):
        use = _use(row)
        points[_name(use.model)] += use.charge
        seconds += use.seconds or 0
    return Reply(
        {
            "total_points_consumed": number(sum(points.values())),
            "total_duration_seconds": seconds,
            "breakdown_by_model": {name: number(points[name]) for name in sorted(points)},
        }
    )


def _rows(tx: Tx, call: Call, span: tuple[int, int]) -> Iterator[Task | Use]:
    """Yield the account's rows inside [span), the newest first; past uses are older than any task."""
    for _, row in chain(tx.scan("task", newest_first=True), tx.scan("use", newest_first=True)):
        at = row.created_at if isinstance(row, Task) else row.at
        if row.wallet == call.key.wallet and span[0] <= at < span[1]:
            yield row


def _use(row: Task | Use) -> LogRow:
    if isinstance(row, Use):
        charge = charged(row.movements)
        return LogRow(row.id, row.model, row.mode, row.at, charge, row.consumed, row.tokens, row.seconds)
    fields = orjson.loads(row.request)
    from_image = bool(fields["images"]) or fields.get("referenceTaskId") is not None
    charge = charged(row.movements)
    # ASSUMED: creditsConsumed is the cost upstream, another currency than points (A-MID-15); nothing charged, none.
    consumed = row.draw.between("consumed", 110, 220) * charge // 100 if charge else 0
    mode = "image-to-video" if from_image else "text-to-video"
    log_id = f"log_{row.draw.hex('log', 16)}"
    whole_cents = consumed - consumed % (MICROS // 100)
    return LogRow(log_id, row.model, mode, row.created_at, charge, whole_cents, None, fields["duration"])


def _log(use: LogRow) -> dict[str, Any]:
    tokens = use.tokens
    return {
        "id": use.id,
        "model": use.model,
        "mode": use.mode,
        "pointsCharged": number(use.charge),
        "creditsConsumed": number(use.consumed),
        "usage": None
        if tokens is None
        else {
            "inputTokens": tokens[0],
            "outputTokens": tokens[1],
            "reasoningTokens": tokens[2],
            "totalTokens": tokens[0] + tokens[1],
        },
        "createdAt": iso(use.at),
    }


def _name(model: str) -> str:
    known = catalogue().models.get(model)
    return model if known is None else known.name


def _landing_span(call: Call) -> tuple[int, int] | Problem:
    query = read(LandingQuery, call.query)
    if isinstance(query, Problem):
        return query
    return _span("start_date", query.start_date, "end_date", query.end_date)


def _span(low_name: str, low: str | None, high_name: str, high: str | None) -> tuple[int, int] | Problem:
    start, stop = -(2**62), 2**62
    try:
        if low is not None:
            field, given = low_name, low
            start = parse_iso(low)
        if high is not None:
            field, given = high_name, high
            stop = parse_iso(high) + (_DAY_MS if len(high) == 10 else 1)
    except ValueError:
        example = "2026-04-12" if "_" in low_name else "2026-04-12T10:30:00Z"
        return Problem("invalid_request", f"{field} must be an ISO date such as {example}, got {shown(given)}.", field)
    # ASSUMED: a window that ends before it starts is empty, not an error.
    return start, stop
