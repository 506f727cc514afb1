"""What a key may not do: models and addresses outside its lists, more calls a minute than it has."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from soundstage.core.call import Problem
from soundstage.core.universe import Key
from soundstage.core.view import Tx

Network = IPv4Network | IPv6Network

REQUESTS_PER_MINUTE = "requests_per_minute"
MOST_OF_ANY = 1_000_000
_MINUTE_MS = 60_000


@lru_cache(maxsize=1024)
def networks(allowlist: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks of an allow-list; a bare address is a network of one.

    Raises ValueError for an entry that is neither.
    """
    return tuple(ip_network(entry, strict=False) for entry in allowlist)


def limit_of(key: Key, name: str) -> int | None:
    """Return a limit the key was registered with, None when it has no such."""
    return None if key.limits is None else dict(key.limits).get(name)


def address_problem(key: Key, peer: str | None) -> Problem | None:
    """Return why the socket's peer may not use this key; no header can change who that is."""
    if key.ip_allowlist is None or (peer is not None and _inside(peer, networks(key.ip_allowlist))):
        return None
    return Problem("address_not_allowed", f"This API key may not be used from {peer or 'an unknown address'}.")


def _inside(peer: str, allowed: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False  # a socket without an address, such as a Unix one
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allowed)


def model_problem(key: Key, model: str) -> Problem | None:
    """Return why this key may not use a model."""
    if key.models is None or model in key.models:
        return None
    may = ", ".join(sorted(key.models)) or "none"
    return Problem("model_not_allowed", f"This API key may not use {model}; its models: {may}.", "model")


def rate_problem(tx: Tx, key: Key) -> Problem | None:
    """Count one call of a key that has a limit a minute, or return when it may come again.

    A bucket that holds a minute's calls and fills steadily. A refused call takes nothing out of it.
    """
    limit = limit_of(key, REQUESTS_PER_MINUTE)
    if limit is None:
        return None
    # The row is the instant at which the bucket is full again, in units of 1/limit ms, so that nothing is rounded.
    now, calls_worth = tx.now * limit, _MINUTE_MS
    full_at = max(tx.get("rate", key.id) or 0, now) + calls_worth
    excess = full_at - now - _MINUTE_MS * limit
    if excess <= 0:
        tx.put("rate", key.id, full_at)
        return None
    wait = -(-excess // limit)
    message = f"This API key may make {limit} calls a minute; try again in {-(-wait // 1000)} s."
    return Problem("rate_limited", message, retry_after_ms=wait)
