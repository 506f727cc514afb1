"""Universes, accounts and keys: who is asking, in which world, with whose wallet.

The API key's text selects the universe: `u_` and 16 hex digits of its SHA-256, the same for every provider, unless
the key was registered with a universe of its own name. An unknown key opens its universe on first use.
"""

from dataclasses import dataclass, field, replace

from soundstage.core.clock import Clock
from soundstage.core.randomness import Draw, fingerprint, key_digest
from soundstage.core.rules import Book, put_book
from soundstage.core.view import Tx
from soundstage.core.wallet import issue, open_wallet

# The universe that holds no tasks but the registered keys, by digest.
DIRECTORY = "directory"
_MOST_SEEN = 1_000_000


@dataclass(frozen=True, slots=True)
class Universe:
    """One isolated world: what its draws and its time depend on."""

    id: str
    name: str
    seed: int
    clock: Clock
    opened_at: int


@dataclass(frozen=True, slots=True)
class Key:
    """A provider's API key inside a universe; a limit that is None does not exist."""

    id: str
    provider: str
    account: str
    wallet: str
    shown: str
    secret: str
    scopes: frozenset[str] | None = None
    callback_url: str | None = None
    label: str = ""
    kind: str = "shared"
    models: frozenset[str] | None = None
    ip_allowlist: tuple[str, ...] | None = None
    plan: str | None = None
    limits: tuple[tuple[str, int], ...] | None = None
    role: str | None = None
    credits: int = 0
    history: int = 0


@dataclass(frozen=True, slots=True)
class Registered:
    """A directory row: where a registered key's text leads, kept by digest and never as text."""

    id: str
    provider: str
    universe: str
    shown: str
    revoked: bool = False
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """What a universe or key is opened with when nobody registered it."""

    seed: int
    credits: int
    clock: Clock = field(default_factory=Clock)
    history: int = 0
    faults: Book | None = None


# Who calls a keyless operation without a key.
NOBODY = Key(id="", provider="", account="", wallet="", shown="", secret="")


def universe_of(key_text: str) -> str:
    """Return the id of the universe an unregistered key opens."""
    return f"u_{key_digest(key_text)[:16]}"


def key_id_of(provider: str, key_text: str) -> str:
    """Return the id of a key, which says nothing about its text."""
    return f"key_{fingerprint('key', provider, key_text).hex()[:16]}"


def directory_row(provider: str, key_text: str) -> str:
    """Return under which name the directory knows a registered key."""
    return f"{provider}:{key_digest(key_text)}"


def shortened(key_text: str) -> str:
    """Return a key as lists and logs may show it."""
    return f"{key_text[:7]}…{key_text[-4:]}" if len(key_text) > 14 else "…"


def find_universe(tx: Tx) -> Universe | None:
    """Return this universe's record, or None before it was opened."""
    found: Universe | None = tx.get("meta", "universe")
    return found


def open_universe(tx: Tx, opening: Opening, *, seed: int | None = None) -> Universe:
    """Return this universe's record, made now if it is new."""
    found = find_universe(tx)
    if found is not None:
        return found
    tx.now = opening.clock.now(tx.wall)
    universe = Universe(
        id=tx.universe_id,
        name=tx.universe_id,
        seed=opening.seed if seed is None else seed,
        clock=opening.clock,
        opened_at=tx.now,
    )
    tx.put("meta", "universe", universe)
    if opening.faults is not None:
        put_book(tx, opening.faults.set_at(tx.now))
    return universe


def the_universe(tx: Tx) -> Universe:
    """Return this universe's record; the edge opens it before any handler runs."""
    found = find_universe(tx)
    if found is None:
        raise LookupError(f"universe {tx.universe_id} is not open")
    return found


def set_clock(tx: Tx, clock: Clock) -> None:
    """Give this universe another clock."""
    tx.put("meta", "universe", replace(the_universe(tx), clock=clock))


def open_key(tx: Tx, key: Key) -> None:
    """Add a key, with a wallet that holds the key's starting credits when that wallet is new."""
    if tx.get("wallet", key.wallet) is None:
        open_wallet(tx, key.wallet, provider=key.provider, owner=key.id)
        issue(tx, key.wallet, key.credits, note="starting balance")
    tx.put("key", key.id, key)


def start_over(tx: Tx) -> list[Key]:
    """Forget all tasks, money and callbacks of this universe and return its keys, to be opened anew.

    Clock and seed stay: time only moves forward, and the same requests give the same results again.
    """
    keys = [key for _, key in tx.scan("key")]
    for table in tx.tables():
        # Clock, seed and fault rules are there.
        if table != "meta":
            tx.clear(table)
    return keys


def find_key(tx: Tx, key_id: str) -> Key | None:
    """Return a key of this universe."""
    found: Key | None = tx.get("key", key_id)
    return found


def the_key(tx: Tx, key_id: str) -> Key:
    """Return a key that must be there because the edge authenticated it."""
    found = find_key(tx, key_id)
    if found is None:
        raise LookupError(f"key {key_id} is not in universe {tx.universe_id}")
    return found


def draw_for(tx: Tx, operation: str, canonical: bytes) -> Draw:
    """Return the draw of one request; identical requests are told apart by the order they arrive in."""
    universe = the_universe(tx)
    request = fingerprint(operation, canonical)
    same = int.from_bytes(request[:8], "big")
    occurrence: int = (tx.get("seen", same) or 0) + 1
    tx.put("seen", same, occurrence)
    if tx.count("seen") > _MOST_SEEN:
        # Only a repeat of a request this old would count from one again.
        tx.delete("seen", next(tx.oldest("seen", 1)))
    return Draw(str(universe.seed), universe.name, request, str(occurrence))
