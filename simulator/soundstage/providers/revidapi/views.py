"""What RevidAPI's dashboard pages share: paging, windows of time, and the jobs of an account."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from soundstage.core.call import Problem
from soundstage.core.clock import iso, parse_iso
from soundstage.core.task import Task
from soundstage.core.universe import the_universe
from soundstage.core.view import Tx
from soundstage.validation import WireModel, shown

Item = TypeVar("Item")
DAY_MS: Final = 86_400_000
# A bare date, or a date-time; what exactly may follow the T is for the reader to say.
_MOMENT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.{1,40})?$"
Moment = Annotated[str, Field(pattern=_MOMENT)]


class Paging(WireModel):
    """ASSUMED: page from 1, 20 rows a page unless asked, at most 100."""

    page: Annotated[int, Field(ge=1, le=1_000_000, strict=False)] = 1
    limit: Annotated[int, Field(ge=1, le=100, strict=False)] = 20


class Window(WireModel):
    """ASSUMED: both ends count, a bare date in `to` is the whole of that day, UTC."""

    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None


def paged(rows: Sequence[Item], query: Paging) -> tuple[Sequence[Item], dict[str, Any]]:
    """Return the rows of one page and what the reply says of all pages."""
    start = (query.page - 1) * query.limit
    return rows[start : start + query.limit], {"page": query.page, "limit": query.limit, "total": len(rows)}


def span(window: Window) -> tuple[int, int] | Problem:
    """Return the first instant of a window and the first one after it."""
    bounds = [-(2**62), 2**62]
    for number, (field, text) in enumerate((("from", window.from_), ("to", window.to))):
        if text is None:
            continue
        try:
            bounds[number] = parse_iso(text)
        except ValueError:
            message = f"{field} must be an ISO date such as 2026-04-12 or 2026-04-12T10:30:00Z, got {shown(text)}."
            return Problem("invalid_request", message, field)
        if field == "to":
            bounds[1] += DAY_MS if len(text) == 10 else 1
    return bounds[0], bounds[1]


def jobs_of(tx: Tx, account: str) -> Iterator[Task]:
    """Yield an account's jobs, the newest first."""
    keys = {key.id for _, key in tx.scan("key") if key.account == account}
    return (task for _, task in tx.scan("task", newest_first=True) if task.key_id in keys)


def opened(tx: Tx) -> dict[str, str]:
    """Return when each wallet got its starting balance."""
    return {entry.wallet: iso(entry.at) for _, entry in tx.scan("entry") if entry.note == "starting balance"}


def opened_at(tx: Tx, wallet: str, known: dict[str, str]) -> str:
    """Return when a wallet came to be; ASSUMED: a key is as old as the wallet it spends."""
    return known.get(wallet) or iso(the_universe(tx).opened_at)
