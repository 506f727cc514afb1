"""Records: the ledger, the invariants, and starting over."""

from itertools import chain
from typing import Any, Literal

from soundstage.core.clock import iso
from soundstage.core.invariants import violations
from soundstage.core.money import decimal_text
from soundstage.core.opening import reopen
from soundstage.core.rules import Book
from soundstage.core.universe import DIRECTORY, start_over
from soundstage.core.view import Tx
from soundstage.core.wallet import listed
from soundstage.edge.admin.context import AdminBody, AdminCall, Answer, Route
from soundstage.edge.admin.faults import begin_with


class Reset(AdminBody):
    """What to forget: the journal, a universe's tasks and money, or both and its registered keys."""

    what: Literal["journal", "state", "all"] = "all"


async def ledger(call: AdminCall) -> Answer:
    """Show every wallet and every movement."""
    wallets: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []

    def look(tx: Tx) -> None:
        for _, wallet in tx.scan("wallet"):
            sums = ("issued", "available", "held", "spent")
            wallets.append(
                {
                    "provider": wallet.provider,
                    "key_id": wallet.owner,
                    "universe": tx.universe_id,
                    **{name: decimal_text(getattr(wallet, name)) for name in sums},
                }
            )
        for _, entry in tx.scan("entry"):
            entries.append(_entry(entry.at, entry.kind, entry.amount, None, entry.wallet, entry.note))
        for _, row in chain(tx.scan("use"), tx.scan("task")):
            for kind, at, amount in listed(row.movements):
                entries.append(_entry(at, kind, amount, row.id, row.wallet, ""))

    for universe in call.readable():
        await call.world.run(universe, look)
    entries.sort(key=lambda entry: str(entry["at"]))
    return 200, {"wallets": wallets, "entries": entries}


async def invariants(call: AdminCall) -> Answer:
    """Prove that no credit appeared or vanished and no task went back."""
    found: list[str] = []
    for universe in call.readable():
        found += [f"{universe}: {one}" for one in await call.world.run(universe, violations)]
    return 200, {"ok": not found, "violations": found}


async def reset(call: AdminCall) -> Answer:
    """Forget what happened, so that the same requests give the same results again.

    `state` keeps the clock, the seed and the keys; `all` closes the universe, which opens anew when it is next used.
    """
    what = call.read(Reset).what
    if what != "state" and call.universe == "*":
        call.services.journal.clear()
    for universe in call.writable():
        if what in {"journal", "all"}:
            call.services.journal.clear(universe)
        if what != "journal":
            await _empty(call, universe, close=what == "all")
    if what == "all" and call.universe == "*":
        # Rules set by hand go with the universes they were set for; a scenario is how this server begins.
        begin_with(call, (call.world.opening.faults or Book())._replace(rules=()))
    return 204, None


async def _empty(call: AdminCall, universe: str, *, close: bool) -> None:
    call.services.courier.ground(universe)
    if close:
        await call.world.store.forget(universe)
        await call.world.store.transact(DIRECTORY, lambda tx: _unregister(tx, universe))
        call.services.gate.forget()
    else:
        await call.world.run(universe, lambda tx: _start_over(call, tx))
    call.services.blobs.forget(universe)


def _start_over(call: AdminCall, tx: Tx) -> None:
    # Budgets come out of what their users have, so users first.
    for key in sorted(start_over(tx), key=lambda key: key.kind == "budgeted"):
        reopen(tx, call.world.providers[key.provider], key)


def _unregister(tx: Tx, universe: str) -> None:
    for name, row in list(tx.scan("registered")):
        if row.universe == universe:
            tx.delete("registered", name)


def _entry(at: int, kind: str, amount: int, task_id: str | None, wallet: str, note: str) -> dict[str, Any]:
    return {
        "at": iso(at),
        "kind": kind,
        "amount": decimal_text(amount),
        "task_id": task_id,
        "key_id": wallet,
        "note": note,
    }


ROUTES = (
    Route("GET", "/__admin/ledger", ledger, "Show wallets and movements"),
    Route("GET", "/__admin/invariants", invariants, "Check that the books balance"),
    Route("POST", "/__admin/reset", reset, "Start over", Reset, 204),
)
