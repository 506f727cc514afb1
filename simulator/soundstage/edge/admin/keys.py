"""Keys: register, list, revoke, top up."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from soundstage.core.clock import iso
from soundstage.core.limits import MOST_PER_MINUTE, REQUESTS_PER_MINUTE, networks
from soundstage.core.money import decimal_text, micros
from soundstage.core.provider import Provider
from soundstage.core.randomness import key_digest, unguessable
from soundstage.core.universe import (
    DIRECTORY,
    Key,
    Registered,
    find_key,
    key_id_of,
    open_universe,
    shortened,
    universe_of,
)
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, charged, issue, the_wallet
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.edge.admin.names import check_universe
from soundstage.edge.egress import EgressPolicy, check_url
from soundstage.edge.gate import open_with_history, secret_of


class NewKey(AdminBody):
    """A key to register; `balance` is a decimal string in the provider's credits."""

    provider: str
    key: str | None = None
    balance: str | int | None = None
    type: Literal["shared", "budgeted", "standalone"] = "shared"
    scopes: list[str] | None = None
    models: list[str] | None = None
    ip_allowlist: list[str] | None = None
    plan: str | None = None
    limits: dict[str, int] | None = None
    role: Literal["tenant_owner"] | None = None
    universe: str | None = None
    history: int = Field(default=0, ge=0, le=100_000)
    callback_url: str | None = None
    revoked: bool = False
    label: str = Field(default="", max_length=200)


class TopUp(AdminBody):
    """Credits to add, as a decimal string; negative takes unspent ones away."""

    amount: str | int


def _amount(given: str | int) -> int:
    try:
        return micros(given)
    except ValueError as error:
        raise AdminError(400, "invalid_amount", str(error)) from None


def _check(call: AdminCall, wanted: NewKey) -> tuple[str, str]:
    """Return the key's text and its universe, or raise AdminError."""
    providers = call.world.providers
    if wanted.provider not in providers:
        raise AdminError(400, "unknown_provider", f"provider must be one of {', '.join(providers)}")
    provider = providers[wanted.provider]
    text = wanted.key or f"sk_test_{unguessable(18)}"
    fault = provider.key_fault(text)
    if fault is not None:
        raise AdminError(400, "invalid_key", fault)
    unknown = set(wanted.scopes or ()) - provider.scopes
    if unknown:
        known = ", ".join(sorted(provider.scopes))
        raise AdminError(
            400, "unknown_scope", f"{provider.title} knows the scopes {known}", f"not {', '.join(unknown)}"
        )
    if wanted.callback_url is not None:
        reason = check_url(wanted.callback_url, EgressPolicy(allow_public=True))
        if reason is not None:
            raise AdminError(400, "invalid_callback_url", reason)
    _check_limits(wanted, provider)
    named = wanted.universe if wanted.universe is not None else call.universe
    if named is None or named == "*":
        return text, universe_of(text)
    check_universe(named)
    return text, named


def _check_limits(wanted: NewKey, provider: Provider) -> None:
    unknown = set(wanted.models or ()) - provider.models()
    if unknown:
        known = ", ".join(sorted(provider.models()))
        shown = ", ".join(sorted(unknown))[:200]
        raise AdminError(400, "unknown_model", f"{provider.title} has the models {known}", f"not {shown}")
    try:
        networks(tuple(wanted.ip_allowlist or ()))
    except ValueError as error:
        raise AdminError(
            400, "invalid_ip_allowlist", str(error)[:200], "entries are addresses or networks, such as 10.0.0.0/8"
        ) from None
    for name, limit in (wanted.limits or {}).items():
        if name != REQUESTS_PER_MINUTE or not 1 <= limit <= MOST_PER_MINUTE:
            raise AdminError(
                400,
                "unknown_limit",
                f"limits may hold {REQUESTS_PER_MINUTE}, from 1 to {MOST_PER_MINUTE}",
                f"not {name[:60]}",
            )


async def register(call: AdminCall) -> Answer:
    """Register a key; its text is shown in this answer and never again."""
    wanted = call.read(NewKey)
    text, universe = _check(call, wanted)
    world, provider = call.world, call.world.providers[wanted.provider]
    balance = world.opening.credits if wanted.balance is None else _amount(wanted.balance)
    if balance < 0:
        raise AdminError(400, "invalid_amount", "balance must not be negative")
    key_id = key_id_of(provider.id, text)
    row = Registered(key_id, provider.id, universe, shortened(text), wanted.revoked, world.wall())
    name = f"{provider.id}:{key_digest(text)}"

    def enlist(tx: Tx) -> bool:
        if tx.get("registered", name) is not None:
            return False
        tx.put("registered", name, row)
        return True

    if not await world.store.transact(DIRECTORY, enlist):
        raise AdminError(409, "key_exists", "this key is registered already", "use it, or register another text")
    call.services.gate.forget()
    key = Key(
        id=key_id,
        provider=provider.id,
        account=key_id,
        wallet=key_id,
        shown=row.shown,
        secret=secret_of(provider, text),
        scopes=None if wanted.scopes is None else frozenset(wanted.scopes),
        callback_url=wanted.callback_url,
        label=wanted.label,
        kind=wanted.type,
        models=None if wanted.models is None else frozenset(wanted.models),
        ip_allowlist=None if wanted.ip_allowlist is None else tuple(wanted.ip_allowlist),
        plan=wanted.plan,
        limits=None if wanted.limits is None else tuple(sorted(wanted.limits.items())),
        role=wanted.role,
        credits=balance,
        history=wanted.history,
    )

    def enter(tx: Tx) -> None:
        open_universe(tx, world.opening)
        if find_key(tx, key_id) is None:
            open_with_history(tx, provider, key)
            return
        # Used before it was registered: its tasks and its spending stay, what is available becomes the balance asked.
        tx.put("key", key_id, key)
        issue(tx, key.wallet, balance - the_wallet(tx, key.wallet).available, note="registered")

    await world.run(universe, enter)
    shown = {"id": key_id, "key": text, "provider": provider.id, "universe": universe}
    return 201, {**shown, "balance": decimal_text(balance), "webhook_secret": key.secret, **_settings(key)}


async def list_keys(call: AdminCall) -> Answer:
    """List keys, shortened, with what they can still spend."""
    rows: list[dict[str, Any]] = []
    registered = await call.world.store.transact(
        DIRECTORY, lambda tx: {row.id: row for _, row in tx.scan("registered")}
    )
    for universe in call.readable():
        found = await call.world.run(
            universe, lambda tx: [(key, the_wallet(tx, key.wallet)) for _, key in tx.scan("key")]
        )
        for key, wallet in found:
            row = registered.get(key.id)
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
                    **_settings(key),
                }
            )
    return 200, {"keys": rows}


async def revoke(call: AdminCall) -> Answer:
    """Revoke a key: from now on it is refused with 401. Its tasks and its ledger stay."""
    wanted = call.params["id"]
    _, listed = await list_keys(call)
    found = next((key for key in listed["keys"] if key["id"] == wanted), None)
    if found is None:
        raise _no_such_key(call)
    if not found["registered"]:
        raise AdminError(
            409, "not_registered", "this key was never registered, so it cannot be revoked", "POST /__admin/keys first"
        )

    def strike(tx: Tx) -> None:
        for name, row in list(tx.scan("registered")):
            if row.id == wanted:
                tx.put("registered", name, replace(row, revoked=True))

    await call.world.store.transact(DIRECTORY, strike)
    call.services.gate.forget()
    return 204, None


async def top_up(call: AdminCall) -> Answer:
    """Issue more credits to a key's wallet, or take unspent ones away."""
    amount = _amount(call.read(TopUp).amount)

    def add(tx: Tx) -> int | None:
        key = find_key(tx, call.params["id"])
        if key is None:
            return None
        issue(tx, key.wallet, amount, note="top-up")
        return the_wallet(tx, key.wallet).available

    for universe in call.readable():
        try:
            balance = await call.world.run(universe, add)
        except LedgerError as error:
            raise AdminError(409, "not_covered", str(error)) from None
        if balance is not None:
            return 200, {"id": call.params["id"], "universe": universe, "balance": decimal_text(balance)}
    raise _no_such_key(call)


async def usage(call: AdminCall) -> Answer:
    """Show what a key has used: calls and credits by model, from the same entries as every other sum."""

    def look(tx: Tx) -> dict[str, Any] | None:
        key = find_key(tx, call.params["id"])
        if key is None:
            return None
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

    for universe in call.readable():
        found = await call.world.run(universe, look)
        if found is not None:
            return 200, found
    raise _no_such_key(call)


def _no_such_key(call: AdminCall) -> AdminError:
    return AdminError(404, "no_such_key", f"there is no key {call.params['id'][:60]!r}", "GET /__admin/keys lists them")


def _settings(key: Key) -> dict[str, Any]:
    return {
        "type": key.kind,
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "models": None if key.models is None else sorted(key.models),
        "ip_allowlist": key.ip_allowlist,
        "plan": key.plan,
        "limits": None if key.limits is None else dict(key.limits),
        "role": key.role,
        "callback_url": key.callback_url,
        "label": key.label,
    }


ROUTES = (
    Route("POST", "/__admin/keys", register, "Register a key", NewKey, 201),
    Route("GET", "/__admin/keys", list_keys, "List keys"),
    Route("DELETE", "/__admin/keys/{id}", revoke, "Revoke a key", status=204),
    Route("GET", "/__admin/keys/{id}/usage", usage, "Show what a key has used, by model"),
    Route("POST", "/__admin/keys/{id}/top-up", top_up, "Issue more credits to a key", TopUp),
)
