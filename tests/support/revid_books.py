"""What the tests of RevidAPI's dashboard share: its pages read to the end, its log of credits added up, a tenant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from support.client import Answer, House
from support.revid_files import Revid, revid

ADA, ADA_TOO, BUDGET, ALONE = (
    "sk_live_ada_first_key",
    "sk_live_ada_second_key",
    "sk_live_budget_key",
    "sk_live_alone_key",
)


async def ask(client: Revid, name: str, **query: str) -> Answer:
    """Ask for a dashboard page."""
    fields = {field.rstrip("_"): value for field, value in query.items()}
    return await client.call("GET", f"/v1/dashboard/{name}", query=fields)


async def view(client: Revid, name: str, **query: str) -> Any:
    """Return a dashboard page, which must succeed."""
    answer = await ask(client, name, **query)
    assert answer.status == 200, answer.raw
    return answer.exact


async def every(client: Revid, name: str, field: str, **query: str) -> list[Any]:
    """Return every row of a paged view."""
    rows: list[Any] = []
    for page in range(1, 100):
        got = await view(client, name, page=str(page), limit="7", **query)
        rows += got[field]
        assert got["pagination"] == {"page": page, "limit": 7, "total": got["pagination"]["total"]}
        if page * 7 >= got["pagination"]["total"]:
            assert len(rows) == got["pagination"]["total"]
            return rows
    raise AssertionError("the pages never end")


async def balance(client: Revid) -> Decimal:
    """Return what a key can spend."""
    found: Decimal = Decimal((await client.get("/v1/balance")).exact["balance"])
    return found


async def log_adds_up(client: Revid) -> list[Any]:
    """Assert that the log of credits leads, step by step, to the balance of now; return it, the oldest first."""
    rows = (await every(client, "credits", "transactions"))[::-1]
    running = Decimal(0)
    for row in rows:
        running += row["amount"] if row["type"] in {"topup", "refund"} else -row["amount"]
        assert row["balance_after"] == running >= 0
    assert running == await balance(client) == (await view(client, "me"))["balance"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    return rows


async def users(house: House) -> list[Revid]:
    """Register two keys of one user, a budgeted one and one that belongs to nobody."""
    admin = house.admin(universe="tenant")
    await admin.register("revidapi", key=ADA, user="ada", balance="500", role="tenant_owner")
    await admin.register("revidapi", key=ADA_TOO, user="ada")
    await admin.register("revidapi", key=BUDGET, user="ada", type="budgeted", balance="100", plan="starter")
    await admin.register("revidapi", key=ALONE, type="standalone", balance="70.5")
    return [revid(house, key) for key in (ADA, ADA_TOO, BUDGET, ALONE)]
