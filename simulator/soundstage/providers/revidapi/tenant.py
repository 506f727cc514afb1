"""What RevidAPI shows to a tenant's owner: users, subscribers and credits taken in; 403 for everybody else.

Source: R-REV-026, R-REV-210. ASSUMED: every key of the replies; a tenant is everybody with a key in the universe, the
owner included; a subscriber is whose plan is one that costs.
"""

from collections import defaultdict
from typing import Final, NamedTuple

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.money import number
from soundstage.core.universe import Key
from soundstage.core.view import Tx
from soundstage.core.wallet import charged, the_wallet, total
from soundstage.providers.revidapi.account import CURRENCY
from soundstage.providers.revidapi.errors import reply_to
from soundstage.providers.revidapi.limits import plan_of
from soundstage.providers.revidapi.views import Paging, opened, opened_at, paged
from soundstage.validation import read

_FOR_OWNERS: Final = Problem("forbidden", "Only the tenant owner's key may do this.")
_FREE: Final = frozenset({"default", "free"})


class _Spent(NamedTuple):
    """What an account's jobs come to; credits in micros, as they are now and as they were given back."""

    jobs: int = 0
    charged: int = 0
    refunded: int = 0


def tenant_users(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/tenant/users: everybody with a key, one row for all keys of a user."""
    query = _asked(call)
    if isinstance(query, Problem):
        return reply_to(query)
    page, pagination = paged(list(_accounts(tx).values()), query)
    spent, since = _spent(tx), opened(tx)
    users = [
        {
            "user_id": _user(key),
            "plan": plan_of(key),
            "balance": number(the_wallet(tx, _wallet(tx, key)).available),
            "total_jobs": spent[key.account].jobs,
            "total_credits": number(spent[key.account].charged),
            "created_at": opened_at(tx, _wallet(tx, key), since),
        }
        for key in page
    ]
    return Reply({"users": users, "pagination": pagination})


def tenant_subs(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/tenant/subs: users whose plan is one that costs."""
    query = _asked(call)
    if isinstance(query, Problem):
        return reply_to(query)
    page, pagination = paged([key for key in _accounts(tx).values() if plan_of(key) not in _FREE], query)
    since = opened(tx)
    subs = [
        {
            "user_id": _user(key),
            "plan": plan_of(key),
            "type": "credit",
            "status": "active",
            "started_at": opened_at(tx, _wallet(tx, key), since),
        }
        for key in page
    ]
    return Reply({"subs": subs, "pagination": pagination})


def tenant_revenue(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/tenant/revenue: what came in and what was spent; budgets only move between keys."""
    if call.key.role != "tenant_owner":
        return reply_to(_FOR_OWNERS)
    wallets = [wallet for _, wallet in tx.scan("wallet") if wallet.provider == "revidapi"]
    return Reply(
        {
            "currency": CURRENCY,
            "users": len(_accounts(tx)),
            "total_topups": number(sum(wallet.issued for wallet in wallets)),
            "total_spent": number(sum(wallet.held + wallet.spent for wallet in wallets)),
            "total_refunded": number(sum(one.refunded for one in _spent(tx).values())),
        }
    )


def _asked(call: Call) -> Paging | Problem:
    return read(Paging, call.query) if call.key.role == "tenant_owner" else _FOR_OWNERS


def _accounts(tx: Tx) -> dict[str, Key]:
    """Return the first key of every account."""
    found: dict[str, Key] = {}
    for _, key in tx.scan("key"):
        if key.provider == "revidapi":
            found.setdefault(key.account, key)
    return found


def _wallet(tx: Tx, key: Key) -> str:
    """Return a user's own wallet; a key that belongs to no user has none but its own."""
    return key.account if tx.get("wallet", key.account) is not None else key.wallet


def _user(key: Key) -> str:
    return key.account.removeprefix("revidapi:")


def _spent(tx: Tx) -> dict[str, _Spent]:
    owners = {key.id: key.account for _, key in tx.scan("key")}
    sums: dict[str, _Spent] = defaultdict(_Spent)
    for _, task in tx.scan("task"):
        if task.provider == "revidapi":
            was, back = sums[owners[task.key_id]], total(task.movements, "release") + total(task.movements, "refund")
            now = _Spent(was.jobs + 1, was.charged + charged(task.movements), was.refunded + back)
            sums[owners[task.key_id]] = now
    return sums
