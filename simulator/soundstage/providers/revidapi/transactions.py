"""RevidAPI's log of credits: every movement of the balance a key spends, with what was left after it.

Source: R-REV-105, R-REV-208. ASSUMED: every key, and all texts but that of a failed job's refund.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.clock import iso
from soundstage.core.money import number
from soundstage.core.randomness import Draw
from soundstage.core.task import Task
from soundstage.core.usage import Use
from soundstage.core.view import Tx
from soundstage.core.wallet import Entry, listed
from soundstage.providers.revidapi.errors import reply_to
from soundstage.providers.revidapi.views import Paging, paged
from soundstage.validation import read

_GIVEN_BACK: Final = {"failed": "Job failed - automatic refund", "cancelled": "Job cancelled - refund"}
# Of what happened at one instant, what came in is told first and what went elsewhere last: no balance is negative.
_IN, _JOB, _OUT = 0, 1, 2


class _Movement(NamedTuple):
    """One change of the balance, in micros; `part` counts those of one origin."""

    at: int
    rank: int
    amount: int
    origin: Entry | Task | Use
    part: str


def credits(call: Call, tx: Tx) -> Reply:  # noqa: A001 - the endpoint's name
    """GET /dashboard/credits: the movements of the balance, the newest first."""
    query = read(Paging, call.query)
    if isinstance(query, Problem):
        return reply_to(query)
    balance = 0
    rows: list[tuple[_Movement, int]] = []
    for one in sorted(_movements(tx, call.key.wallet), key=lambda one: one[:2]):
        balance += one.amount
        rows.append((one, balance))
    page, pagination = paged(rows[::-1], query)
    return Reply({"transactions": [_shown(tx, *row) for row in page], "pagination": pagination})


def _movements(tx: Tx, wallet: str) -> Iterator[_Movement]:
    """Yield what changed a balance; settling does not, as the credits left it when the job was created."""
    for name, entry in tx.scan("entry"):
        if entry.wallet == wallet and entry.amount:
            amount = entry.amount if entry.kind == "issue" else -entry.amount
            yield _Movement(entry.at, _IN if amount > 0 else _OUT, amount, entry, str(name))
    for _, row in chain(tx.scan("use"), tx.scan("task")):
        if row.wallet == wallet:
            for part, (kind, at, amount) in enumerate(listed(row.movements)):
                if amount and kind != "settle":
                    yield _Movement(at, _JOB, -amount if kind == "reserve" else amount, row, str(part))


def _shown(tx: Tx, one: _Movement, balance: int) -> dict[str, Any]:
    origin, gained = one.origin, one.amount > 0
    of = origin.wallet if isinstance(origin, Entry) else origin.id
    topped_up = gained and isinstance(origin, Entry)
    return {
        "id": f"txn_{Draw('txn', of).hex(one.part, 16)}",
        "type": "topup" if topped_up else "refund" if gained else "deduct",
        "amount": number(abs(one.amount)),
        "balance_after": number(balance),
        "job_id": None if isinstance(origin, Entry) else origin.id,
        "reason": _reason(tx, origin, gained=gained),
        "created_at": iso(one.at),
    }


def _reason(tx: Tx, origin: Entry | Task | Use, *, gained: bool) -> str:
    if isinstance(origin, Entry):
        return origin.note[:1].upper() + origin.note[1:]
    if not gained or isinstance(origin, Use):
        return origin.model
    return _GIVEN_BACK.get(origin.state(tx.now), "Refund")
