"""Registers keys: what one may be limited to, whose credits it draws on, and which universe it opens."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from soundstage.core.limits import MOST_OF_ANY, networks
from soundstage.core.money import decimal_text, micros
from soundstage.core.opening import Newcomer, change, new_key, open_new
from soundstage.core.provider import Provider
from soundstage.core.randomness import unguessable
from soundstage.core.universe import (
    DIRECTORY,
    Key,
    Opening,
    Registered,
    directory_row,
    find_key,
    open_universe,
    universe_of,
)
from soundstage.core.view import Tx
from soundstage.core.wallet import LedgerError, the_wallet
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer
from soundstage.edge.admin.names import check_universe
from soundstage.edge.egress import EgressPolicy, check_url
from soundstage.edge.gate import credits_of, newcomer


class NewKey(AdminBody):
    """A key to register; `balance` is a decimal string in the provider's credits.

    Shared keys of one `user` draw on one balance; a budgeted one takes its own out of it; a standalone one has its own.
    """

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
    user: str | None = Field(default=None, min_length=1, max_length=200)


def amount_of(given: str | int) -> int:
    """Return an amount of credits in micros; raises AdminError for what is none."""
    try:
        return micros(given)
    except ValueError as error:
        raise AdminError(400, "invalid_amount", str(error)) from None


def settings_of(key: Key) -> dict[str, Any]:
    """Return what a key was registered with, as the admin shows it."""
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
    _check_owner(wanted)
    _check_reach(wanted, provider)
    _check_limits(wanted, provider)
    named = wanted.universe if wanted.universe is not None else call.named
    if named is None:
        return text, universe_of(text)
    check_universe(named)
    return text, named


def _check_owner(wanted: NewKey) -> None:
    if wanted.type == "budgeted" and wanted.user is None:
        raise AdminError(400, "user_needed", "a budgeted key takes its balance from a user", "name the user")
    if wanted.type == "standalone" and wanted.user is not None:
        raise AdminError(400, "no_user", "a standalone key belongs to no user", "leave user out")


def _check_reach(wanted: NewKey, provider: Provider) -> None:
    unknown = set(wanted.scopes or ()) - provider.scopes
    if unknown:
        known = ", ".join(sorted(provider.scopes)) or "none"
        raise AdminError(
            400, "unknown_scope", f"{provider.title} knows the scopes {known}", f"not {', '.join(unknown)}"
        )
    if wanted.callback_url is not None:
        reason = check_url(wanted.callback_url, EgressPolicy(allow_public=True))
        if reason is not None:
            raise AdminError(400, "invalid_callback_url", reason)


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
    if wanted.plan is not None and wanted.plan not in provider.plans():
        known = ", ".join(sorted(provider.plans())) or "none"
        raise AdminError(400, "unknown_plan", f"{provider.title} has the plans {known}", f"not {wanted.plan[:60]}")
    for name, limit in (wanted.limits or {}).items():
        if name not in provider.limits or not 1 <= limit <= MOST_OF_ANY:
            raise AdminError(
                400,
                "invalid_limit",
                f"limits may hold {', '.join(sorted(provider.limits))}, each from 1 to {MOST_OF_ANY}",
                f"not {name[:60]}: {limit}",
            )


async def register(call: AdminCall) -> Answer:
    """Register a key, or give a registered one other settings; the answer shows its text and its webhook secret."""
    wanted = call.read(NewKey)
    text, universe = _check(call, wanted)
    world, provider = call.world, call.world.providers[wanted.provider]
    usual = credits_of(text, world.opening.credits)
    balance = usual if wanted.balance is None else amount_of(wanted.balance)
    if balance < 0:
        raise AdminError(400, "invalid_amount", "balance must not be negative")
    name = directory_row(provider.id, text)
    known: Registered | None = await world.store.transact(DIRECTORY, lambda tx: tx.get("registered", name))
    key = _key(wanted, provider, text, balance, None if known is None else known.id)
    row = Registered(key.id, provider.id, universe, key.shown, wanted.revoked, world.wall())
    before = await world.store.transact(DIRECTORY, lambda tx: _enlist(tx, name, row))
    if before is not None and before.universe != universe:
        raise AdminError(
            409,
            "key_exists",
            f"this key is registered in universe {before.universe}",
            "name that one, or register another text",
        )
    call.services.gate.forget()
    keep = wanted.balance is None
    arriving = newcomer(key, text)
    try:
        key, left = await world.run(
            universe, lambda tx: _enter(tx, world.opening, provider, arriving, keep_balance=keep)
        )
    except LedgerError as error:
        if before is None:
            await world.store.transact(DIRECTORY, lambda tx: tx.delete("registered", name))
        hint = "a budgeted key takes its balance from its user; register a shared key of the user first"
        raise AdminError(409, "not_covered", str(error), hint) from None
    shown = {"id": key.id, "key": text, "provider": provider.id, "universe": universe}
    answer = {**shown, "balance": decimal_text(left), "webhook_secret": key.secret, **settings_of(key)}
    return (201 if before is None else 200), answer


def _enlist(tx: Tx, name: str, row: Registered) -> Registered | None:
    """Put a key into the directory, unless another universe has it; return what stood there."""
    before: Registered | None = tx.get("registered", name)
    if before is None:
        tx.put("registered", name, row)
    elif before.universe == row.universe:
        tx.put("registered", name, replace(row, created_at=before.created_at))
    return before


def _key(wanted: NewKey, provider: Provider, text: str, balance: int, key_id: str | None) -> Key:
    key = new_key(provider, text, starts_with=balance, history=wanted.history, key_id=key_id)
    account = key.id if wanted.user is None else f"{provider.id}:{wanted.user}"
    return replace(
        key,
        account=account,
        wallet=account if wanted.type == "shared" else key.id,
        scopes=None if wanted.scopes is None else frozenset(wanted.scopes),
        callback_url=wanted.callback_url,
        label=wanted.label,
        kind=wanted.type,
        models=None if wanted.models is None else frozenset(wanted.models),
        ip_allowlist=None if wanted.ip_allowlist is None else tuple(wanted.ip_allowlist),
        plan=wanted.plan,
        limits=None if wanted.limits is None else tuple(sorted(wanted.limits.items())),
        role=wanted.role,
    )


def _enter(tx: Tx, opening: Opening, provider: Provider, arriving: Newcomer, *, keep_balance: bool) -> tuple[Key, int]:
    """Open a key, or change one; return it and what it can spend. What it has done so far stays, and its secret."""
    key = arriving.key
    open_universe(tx, opening)
    known = find_key(tx, key.id)
    if known is None:
        open_new(tx, provider, arriving)
    elif (known.account, known.wallet) != (key.account, key.wallet):
        hint = "name the user when the key is first registered, before its first use"
        raise AdminError(409, "key_in_use", "this key has an account of its own already", hint)
    else:
        # The key of a forked universe signs as the original's does, so that one receiver serves both.
        key = replace(key, secret=known.secret)
        change(tx, key, keep_balance=keep_balance)
    return key, the_wallet(tx, key.wallet).available
