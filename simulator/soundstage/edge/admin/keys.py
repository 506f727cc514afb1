"""Keys: list, revoke, top up, and what each has used."""

from dataclasses import replace
from typing import Any

from soundstage.core.clock import iso
from soundstage.core.money import decimal_text
from soundstage.core.universe import DIRECTORY, find_key, the_key
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, charged, issue, the_wallet
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.edge.admin.new_keys import NewKey, amount_of, register, settings_of


class TopUp(AdminBody):
    """Credits to add, as a decimal string; negative takes unspent ones away."""

    amount: str | int


async def list_keys(call: AdminCall) -> Answer:
    """List keys, shortened, with what they can still spend."""
    rows: list[dict[str, Any]] = []
    registered = await call.world.store.transact(
        DIRECTORY, lambda tx: {(row.universe, row.id): row for _, row in tx.scan("registered")}
    )
    for universe in call.readable():
        found = await call.world.run(
            universe, lambda tx: [(key, the_wallet(tx, key.wallet)) for _, key in tx.scan("key")]
        )
        for key, wallet in found:
            row = registered.get((universe, key.id))
            rows.append(
                {
                    "id": key.id,
                    "key": key.shown,
                    "provider": key.provider,
                    "universe": universe,
                    "balance": decimal_text(wallet.available),
                    "registered": row is not None,
                    "revoked": row is not None and row.revoked,
                    "created_at": None if row is None else iso(row.created_at),
                    **settings_of(key),
                }
            )
    return 200, {"keys": rows}


async def revoke(call: AdminCall) -> Answer:
    """Revoke a key: from now on it is refused with 401. Its tasks and its ledger stay."""
    wanted = call.params["id"]
    _, listed = await list_keys(call)
    _check_one(call, [key["universe"] for key in listed["keys"] if key["id"] == wanted])
    found = next(key for key in listed["keys"] if key["id"] == wanted)
    if not found["registered"]:
        raise AdminError(
            409, "not_registered", "this key was never registered, so it cannot be revoked", "POST /__admin/keys first"
        )

    def strike(tx: Tx) -> None:
        for name, row in list(tx.scan("registered")):
            # The copy of a universe has keys of the same ids.
            if (row.id, row.universe) == (wanted, found["universe"]):
                tx.put("registered", name, replace(row, revoked=True))

    await call.world.store.transact(DIRECTORY, strike)
    call.services.gate.forget()
    return 204, None


async def top_up(call: AdminCall) -> Answer:
    """Issue more credits to a key's wallet, or take unspent ones away."""
    amount = amount_of(call.read(TopUp).amount)

    def add(tx: Tx) -> int:
        key = the_key(tx, call.params["id"])
        issue(tx, key.wallet, amount, note="top-up")
        return the_wallet(tx, key.wallet).available

    universe = await _universe_of(call)
    try:
        balance = await call.world.run(universe, add)
    except LedgerError as error:
        raise AdminError(409, "not_covered", str(error)) from None
    return 200, {"id": call.params["id"], "universe": universe, "balance": decimal_text(balance)}


async def usage(call: AdminCall) -> Answer:
    """Show what a key has used: calls and credits by model, from the same entries as every other sum."""

    def look(tx: Tx) -> dict[str, Any]:
        key = the_key(tx, call.params["id"])
        rows = [row for table in ("use", "task") for _, row in tx.scan(table) if row.key_id == key.id]
        models: dict[str, dict[str, int]] = {}
        for row in rows:
            model = models.setdefault(row.model, {"calls": 0, "charged": 0, "tokens": 0})
            model["calls"] += 1
            model["charged"] += charged(row.movements)
            model["tokens"] += sum((getattr(row, "tokens", None) or ())[:2])
        return {
            "id": key.id,
            "universe": tx.universe_id,
            "calls": len(rows),
            "charged": decimal_text(sum(model["charged"] for model in models.values())),
            "models": {
                name: {**models[name], "charged": decimal_text(models[name]["charged"])} for name in sorted(models)
            },
        }

    return 200, await call.world.run(await _universe_of(call), look)


async def _universe_of(call: AdminCall) -> str:
    """Return the universe of the key that the path names; raises AdminError unless there is one and only one."""
    wanted = call.params["id"]
    found = [one for one in call.readable() if await call.world.run(one, lambda tx: find_key(tx, wanted)) is not None]
    _check_one(call, found)
    return found[0]


def _check_one(call: AdminCall, universes: list[str]) -> None:
    wanted = call.params["id"][:60]
    if not universes:
        raise AdminError(404, "no_such_key", f"there is no key {wanted!r}", "GET /__admin/keys lists them")
    if len(universes) > 1:
        where = ", ".join(universes[:5])
        raise AdminError(
            409,
            "universe_needed",
            f"there is a key {wanted!r} in {len(universes)} universes: {where}",
            "the copy of a universe has its keys: name one universe with X-Soundstage-Universe: <id>",
        )


ROUTES = (
    Route("POST", "/__admin/keys", register, "Register a key", NewKey, 201),
    Route("GET", "/__admin/keys", list_keys, "List keys"),
    Route("DELETE", "/__admin/keys/{id}", revoke, "Revoke a key", status=204),
    Route("GET", "/__admin/keys/{id}/usage", usage, "Show what a key has used, by model"),
    Route("POST", "/__admin/keys/{id}/top-up", top_up, "Issue more credits to a key", TopUp),
)
