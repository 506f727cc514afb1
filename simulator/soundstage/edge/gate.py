"""Whose call it is: from a key's text to a universe and a key in it, and whether that key may make this call now.

What a key's last word asks for, such as `_broke`, is read here too.
"""

from dataclasses import dataclass

from aiohttp.web_request import BaseRequest

from soundstage.core.call import Problem
from soundstage.core.limits import address_problem, rate_problem
from soundstage.core.opening import Newcomer, new_key
from soundstage.core.provider import Operation, Provider
from soundstage.core.universe import DIRECTORY, Key, Registered, directory_row, universe_of
from soundstage.core.view import Tx
from soundstage.core.world import World
from soundstage.faults.magic import suffix_of, suffix_rules

_REFUSED = frozenset({"revoked", "invalid"})
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: the universe, and the key in it as it is opened when it is new."""

    universe: str
    newcomer: Newcomer


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
        opening = self._world.opening
        key = new_key(
            provider,
            key_text,
            starts_with=credits_of(key_text, opening.credits),
            history=opening.history,
            key_id=None if row is None else row.id,
        )
        found = Identity(universe_of(key_text) if row is None else row.universe, newcomer(key, key_text))
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[provider.id, key_text] = found
        return found


def limit_problem(tx: Tx, operation: Operation, key: Key, request: BaseRequest) -> Problem | None:
    """Return why this key may not make this call now, by scope, address or rate."""
    if operation.scope is not None and key.scopes is not None and operation.scope not in key.scopes:
        has = ", ".join(sorted(key.scopes)) or "none"
        return Problem("forbidden", f"This API key lacks the scope {operation.scope}; it has {has}.")
    # Who the peer is is asked only where it matters: this runs on every call.
    problem = None if key.ip_allowlist is None else address_problem(key, request.remote)
    return problem or (None if key.limits is None else rate_problem(tx, key))


def credits_of(key_text: str, usual: int) -> int:
    """Return the starting balance, in micros, of a key for which nobody named one: nothing where its text says so."""
    suffix = suffix_of(key_text)
    return 0 if suffix is not None and suffix.word == "broke" else usual


def newcomer(key: Key, key_text: str) -> Newcomer:
    """Return a key about to be opened, with the fault rules that the last word of its text asks for."""
    suffix = suffix_of(key_text)
    return Newcomer(key, () if suffix is None else suffix_rules(suffix, key.id))
