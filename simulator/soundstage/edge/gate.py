"""Authentication: from a key's text to a universe and a key in it, or the problem with it."""

from dataclasses import dataclass, replace

from aiohttp.web_request import BaseRequest

from soundstage.core.call import Problem
from soundstage.core.clock import Clock
from soundstage.core.limits import address_problem, rate_problem
from soundstage.core.provider import Operation, Provider
from soundstage.core.randomness import fingerprint
from soundstage.core.rules import Book, book_of
from soundstage.core.signing import webhook_secret
from soundstage.core.universe import (
    DIRECTORY,
    Key,
    Opening,
    Registered,
    directory_row,
    find_key,
    key_id_of,
    open_key,
    open_universe,
    shortened,
    universe_of,
)
from soundstage.core.view import Tx
from soundstage.core.wallet import issue, the_wallet
from soundstage.core.world import World
from soundstage.faults.magic import Suffix, suffix_of, suffix_rules

_REFUSED = frozenset({"revoked", "invalid"})
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: the universe, the key in it, and how to open both when they are new."""

    universe: str
    key_id: str
    shown: str
    secret: str
    suffix: Suffix | None = None


class Gate:
    """Turns credentials into identities and remembers the good ones."""

    def __init__(self, world: World, *, strict: bool) -> None:
        self._world = world
        self._strict = strict
        self._known: dict[tuple[str, str], Identity] = {}

    def known(self, provider_id: str, key_text: str) -> Identity | None:
        """Return an identity found before."""
        return self._known.get((provider_id, key_text))

    def trusts(self, provider_id: str, key_text: str | None, identity: Identity) -> bool:
        """Tell whether nothing was registered, changed or revoked since an identity was found."""
        return self._known.get((provider_id, key_text or "")) is identity

    def forget(self) -> None:
        """Look everything up anew, because a key was registered, revoked or deleted."""
        self._known.clear()

    async def identify(self, provider: Provider, key_text: str | None) -> Identity | Problem:
        """Return whose key this is, or a 401 that says what to send."""
        if key_text is None:
            return Problem("unauthorized", f"An API key is needed: send {provider.send_key}.")
        fault = provider.key_fault(key_text)
        if fault is not None:
            return Problem("unauthorized", fault)
        suffix = suffix_of(key_text)
        if suffix is not None and suffix.word in _REFUSED:
            return Problem("unauthorized", "This API key is not valid any more; send another one.")
        name = directory_row(provider.id, key_text)
        row = await self._world.store.transact(DIRECTORY, lambda tx: tx.get("registered", name))
        if row is None and self._strict:
            return Problem(
                "unauthorized", "This API key is not registered, and the server runs with --strict-keys; register it."
            )
        if row is not None and row.revoked:
            return Problem("unauthorized", "This API key was revoked; send another one.")
        return self._remember(provider, key_text, row)

    def _remember(self, provider: Provider, key_text: str, row: Registered | None) -> Identity:
        found = Identity(
            universe=universe_of(key_text) if row is None else row.universe,
            key_id=key_id_of(provider.id, key_text) if row is None else row.id,
            shown=shortened(key_text),
            secret=secret_of(provider, key_text),
            suffix=suffix_of(key_text),
        )
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[provider.id, key_text] = found
        return found


def secret_of(provider: Provider, key_text: str) -> str:
    """Return the webhook secret of a key, the same at every start so that a receiver can be set up once."""
    write = webhook_secret if provider.callback is None else provider.callback.secret
    return write(fingerprint("webhook secret", provider.id, key_text))


def limit_problem(tx: Tx, operation: Operation, key: Key, request: BaseRequest) -> Problem | None:
    """Return why this key may not make this call now, by scope, address or rate."""
    if operation.scope is not None and key.scopes is not None and operation.scope not in key.scopes:
        has = ", ".join(sorted(key.scopes)) or "none"
        return Problem("forbidden", f"This API key lacks the scope {operation.scope}; it has {has}.")
    # Who the peer is is asked only where it matters: this runs on every call.
    problem = None if key.ip_allowlist is None else address_problem(key, request.remote)
    return problem or (None if key.limits is None else rate_problem(tx, key))


def enter(tx: Tx, provider: Provider, identity: Identity, opening: Opening) -> Key:
    """Return the key inside its universe, both opened now if this is their first use."""
    key = find_key(tx, identity.key_id)
    if key is not None:
        return key
    open_universe(tx, opening)
    made = Key(
        id=identity.key_id,
        provider=provider.id,
        account=identity.key_id,
        wallet=identity.key_id,
        shown=identity.shown,
        secret=identity.secret,
        credits=credits_of(identity.suffix, opening.credits),
        history=opening.history,
    )
    open_with_history(tx, provider, made)
    bring_rules(tx, identity.suffix, made.id)
    return made


def credits_of(suffix: Suffix | None, usual: int) -> int:
    """Return the starting balance of a key for which nobody named one."""
    return 0 if suffix is not None and suffix.word == "broke" else usual


def bring_rules(tx: Tx, suffix: Suffix | None, key_id: str) -> None:
    """Let the faults act that a key asks for by its last word."""
    rules = () if suffix is None else suffix_rules(suffix, key_id)
    if rules:
        book = book_of(tx) or Book()
        others = tuple(rule for rule in book.suffixes if rule.id not in {one.id for one in rules})
        tx.put("meta", "faults", book._replace(suffixes=(*others, *rules)))


def take_budget(tx: Tx, key: Key) -> None:
    """Take a budgeted key's credits out of its user's; raises LedgerError when these do not cover them."""
    if key.kind == "budgeted":
        issue(tx, key.account, -key.credits, note=f"budget of {key.shown}")


def reopen(tx: Tx, provider: Provider, key: Key) -> None:
    """Open a key of a universe that starts over; a budget its user cannot pay any more is cut to what there is."""
    if key.kind == "budgeted":
        key = replace(key, credits=min(key.credits, the_wallet(tx, key.account).available))
        take_budget(tx, key)
    open_with_history(tx, provider, key)


def open_with_history(tx: Tx, provider: Provider, key: Key) -> None:
    """Add a key with its starting credits and, where the provider can show one, its history."""
    open_key(tx, key)
    if key.history and provider.history is not None:
        provider.history(tx, key, key.history)


def clock_of(mode: str, speed: float, start_at: int) -> Clock:
    """Return the clock new universes get."""
    if mode == "manual":
        return Clock(mode="manual", speed=speed, at=start_at)
    return Clock(mode="real", speed=1.0) if mode == "real" else Clock(mode="scaled", speed=speed)
