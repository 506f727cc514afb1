"""Universes: list them, open a fresh one for a test, fork one whose state took long to build."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from soundstage.core.clock import Clock, Mode
from soundstage.core.fork import become, first_keys
from soundstage.core.money import decimal_text
from soundstage.core.opening import Newcomer, enter, new_key
from soundstage.core.randomness import unguessable
from soundstage.core.rules import book_of
from soundstage.core.universe import (
    DIRECTORY,
    Key,
    Opening,
    Registered,
    directory_row,
    shortened,
    the_universe,
    universe_of,
)
from soundstage.core.view import Tx
from soundstage.core.wallet import the_wallet
from soundstage.edge.admin.clock import instant_of, show_clock
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.edge.admin.names import check_universe
from soundstage.edge.admin.new_keys import amount_of
from soundstage.edge.admin.scenarios import book_for, staged
from soundstage.edge.egress import EgressPolicy, check_url
from soundstage.edge.gate import credits_of, newcomer

Keys = dict[str, Key]


class NewUniverse(AdminBody):
    """A world of one's own; what is left out is as the server was started. `balance` is in each provider's credits."""

    key: str | None = None
    universe: str | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    clock: Mode | None = None
    speed: float | None = Field(default=None, ge=0.001, le=1_000_000)
    now: str | None = None
    scenario: str | dict[str, Any] | None = None
    balance: str | int | None = None
    callback_url: str | None = None


class Fork(AdminBody):
    """What the copy is called and which key leads to it; a key that is left out is made up."""

    key: str | None = None
    universe: str | None = None


async def list_universes(call: AdminCall) -> Answer:
    """List the universes that are open."""
    rows = []
    for universe in call.readable():
        clock = await show_clock(call, universe)
        keys, tasks = await call.world.run(universe, lambda tx: (tx.count("key"), tx.count("task")))
        rows.append({"id": universe, "clock": clock, "keys": keys, "tasks": tasks})
    return 200, {"universes": rows}


async def open_fresh(call: AdminCall) -> Answer:
    """Open a universe with one key for every provider; what was there, its journal included, is forgotten."""
    wanted = call.read(NewUniverse)
    text, universe = _names(call, wanted.key, wanted.universe)
    opening = await _opening(call, wanted, text)
    if wanted.callback_url is not None:
        reason = check_url(wanted.callback_url, EgressPolicy(allow_public=True))
        if reason is not None:
            raise AdminError(400, "invalid_callback_url", reason)

    newcomers = _newcomers(call, text, opening.credits)
    for name, one in newcomers.items():
        newcomers[name] = one._replace(key=replace(one.key, callback_url=wanted.callback_url))

    def begin(tx: Tx) -> Keys:
        return {name: enter(tx, call.world.providers[name], one, opening) for name, one in newcomers.items()}

    await _enlist(call, text, universe, {name: one.key.id for name, one in newcomers.items()})
    await _forget(call, universe)
    call.services.blobs.forget(universe)
    await call.world.store.forget(universe)
    keys = await call.world.run(universe, begin)
    return 201, await _describe(call, universe, text, keys)


async def fork(call: AdminCall) -> Answer:
    """Copy a universe as it is at this moment: the same calls give the same results in both from here on.

    The copy has tasks, money, uploads, faults and clock, but no journal. A callback that still awaits an attempt stays
    with the original, so that no receiver gets it twice: here it is `dropped`, and can be resent. The new key stands
    for the first key each provider has in the original.
    """
    wanted, source = call.read(Fork), call.params["id"]
    text, universe = _names(call, wanted.key, wanted.universe)
    world = call.world
    check_universe(source)
    if source not in world.store.universes():
        raise _no_such_universe(source)
    if universe == source:
        raise AdminError(409, "same_universe", "a universe cannot be forked into itself", "send another key")
    # Whatever is due happens before the copy is made, so it happens once.
    own = await world.run(source, lambda tx: first_keys(tx, world.providers))
    newcomers = _newcomers(call, text, credits_of(text, world.opening.credits))
    ids = {name: own.get(name, one.key).id for name, one in newcomers.items()}
    await world.store.transact(DIRECTORY, lambda tx: _check_free(tx, text, universe, ids))
    try:
        keys = await world.store.copy(source, universe, lambda tx: become(tx, world.providers, newcomers))
    except KeyError:
        raise _no_such_universe(source) from None
    await _forget(call, universe)
    call.services.blobs.copy(source, universe)
    # Last, so that a key never leads to a copy that could not be made.
    await _enlist(call, text, universe, ids)
    return 201, await _describe(call, universe, text, keys)


def _names(call: AdminCall, key: str | None, universe: str | None) -> tuple[str, str]:
    text = key or f"sk_test_{unguessable(18)}"
    for provider in call.world.providers.values():
        fault = provider.key_fault(text)
        if fault is not None:
            raise AdminError(400, "invalid_key", fault)
    if universe is not None:
        check_universe(universe)
    return text, universe or universe_of(text)


async def _opening(call: AdminCall, wanted: NewUniverse, text: str) -> Opening:
    """Return what the universe begins with: what was asked for, and the rest as the server was started."""
    usual, wall = call.world.opening, call.world.wall()
    mode = wanted.clock or usual.clock.mode
    at = call.services.settings.start_at if mode == "manual" else wall
    instant = at if wanted.now is None else instant_of(wanted.now)
    speed = wanted.speed if wanted.speed is not None else usual.clock.speed
    credits_ = credits_of(text, usual.credits) if wanted.balance is None else amount_of(wanted.balance)
    if credits_ < 0:
        raise AdminError(400, "invalid_amount", "balance must not be negative")
    return replace(
        usual,
        seed=usual.seed if wanted.seed is None else wanted.seed,
        credits=credits_,
        clock=Clock("manual", speed, 0, instant).switched(mode, speed, wall),
        faults=staged(usual.faults, await book_for(call, wanted.scenario))
        if "scenario" in wanted.model_fields_set
        else usual.faults,
    )


def _newcomers(call: AdminCall, text: str, starts_with: int) -> dict[str, Newcomer]:
    """Return the keys that a text stands for, one for each provider, which `starts_with` so many micros."""
    history = call.world.opening.history
    newcomers = {}
    for name, provider in call.world.providers.items():
        key = new_key(provider, text, starts_with=starts_with, history=history)
        newcomers[name] = newcomer(key, text)
    return newcomers


def _no_such_universe(name: str) -> AdminError:
    return AdminError(404, "no_such_universe", f"there is no universe {name!r}", "GET /__admin/universes")


def _check_free(tx: Tx, text: str, universe: str, providers: Iterable[str]) -> None:
    """Raise AdminError where a key's text leads to another universe already."""
    for provider in providers:
        before: Registered | None = tx.get("registered", directory_row(provider, text))
        if before is not None and before.universe != universe:
            where = f"this key is registered in universe {before.universe}"
            raise AdminError(409, "key_exists", where, "send another key, or name that universe")


async def _enlist(call: AdminCall, text: str, universe: str, ids: Mapping[str, str]) -> None:
    """Let a key's text lead to a universe, for every provider, and no other text any more."""
    now = call.world.wall()

    def write(tx: Tx) -> None:
        _check_free(tx, text, universe, ids)
        for name, row in list(tx.scan("registered")):
            if row.universe == universe:
                tx.delete("registered", name)
        for provider, key_id in ids.items():
            row = Registered(key_id, provider, universe, shortened(text), created_at=now)
            tx.put("registered", directory_row(provider, text), row)

    await call.world.store.transact(DIRECTORY, write)
    call.services.gate.forget()


async def _forget(call: AdminCall, universe: str) -> None:
    """Drop what is under way or written down of a universe that is about to begin anew."""
    call.services.courier.ground(universe)
    call.services.journal.clear(universe)


async def _describe(call: AdminCall, universe: str, text: str, keys: Keys) -> dict[str, Any]:
    world, settings = call.world, call.services.settings

    def look(tx: Tx) -> dict[str, Any]:
        book = book_of(tx)
        return {
            "seed": the_universe(tx).seed,
            "scenario": None if book is None else book.scenario,
            "balances": {name: decimal_text(the_wallet(tx, key.wallet).available) for name, key in keys.items()},
        }

    seen = await world.run(universe, look)
    balances = seen.pop("balances")
    return {
        "id": universe,
        "key": text,
        **seen,
        "clock": await show_clock(call, universe),
        "providers": {
            name: {
                "base_url": world.base_url if settings.provider else f"{world.base_url}/{name}",
                "base_url_variable": provider.base_url_variable,
                "key_id": keys[name].id,
                "webhook_secret": keys[name].secret,
                "balance": balances[name],
            }
            for name, provider in world.providers.items()
        },
    }


ROUTES = (
    Route("GET", "/__admin/universes", list_universes, "List universes"),
    Route("POST", "/__admin/universes", open_fresh, "Open a fresh universe with a key", NewUniverse, 201),
    Route("POST", "/__admin/universes/{id}/fork", fork, "Copy a universe", Fork, 201),
)
