"""Decide which addresses the simulator may contact, and make sure that it contacts no other.

Callback and upload URLs come from whoever holds a key, so they could aim at what only this machine reaches.
Two gates stand in the way. `check_url` reads a URL before it is accepted and tells its author of a refusal;
`guarded_connector` judges the address that is really dialled, after names, redirects and odd spellings are
resolved: what the first gate cannot know (where a name points), the second one stops.

Source: the address tables of the IANA special-purpose registries, Svix's and Smokescreen's deny tables.
`ipaddress.is_global` is not used: it calls NAT64, 6to4 and multicast addresses global. Not seen here: a NAT64
prefix of a network's own choice, and which host of a private network is precious to it.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType
from yarl import URL

from soundstage.core.addresses import is_local_name

__all__ = ["BLOCKED", "BoundedResolver", "EgressPolicy", "Verdict", "check_url", "guarded_connector"]

MAX_URL_LENGTH = 2048
DNS_THREADS = 4
DNS_TIMEOUT_SECONDS = 2.0

BLOCKED = "blocked by egress policy: "
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_CLOSED = "public addresses are not contacted without --allow-egress"

Address = IPv4Address | IPv6Address


def _networks(**groups: str) -> tuple[tuple[IPv4Network | IPv6Network, str], ...]:
    return tuple((ip_network(text), kind.replace("_", " ")) for kind, texts in groups.items() for text in texts.split())


# Asked before the private ranges, as some metadata addresses lie inside them; the first match counts.
_NEVER = _networks(
    cloud_metadata_address="100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::/32 fd20:ce::254 fd00:42::42",
    link_local_address="169.254.0.0/16 fe80::/10",
    unspecified_address="0.0.0.0/8 ::/128",
    broadcast_address="255.255.255.255",
    multicast_address="224.0.0.0/4 ff00::/8",
    shared_address_space="100.64.0.0/10",
    documentation_address="192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
    reserved_address="192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 240.0.0.0/4 2001::/23",
)
_LOCAL = _networks(
    loopback_address="127.0.0.0/8 ::1",
    private_address="10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
)
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# They would be refused once resolved; not asking for them at all leaves no trace in somebody's DNS log.
_METADATA_NAME = re.compile(r"metadata(\.goog|\.google\.internal)?|instance-data(\.ec2\.internal)?")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z")
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)\Z")
_UNSAFE = re.compile(r"[\s\\\x00-\x20\x7f-\xa0]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an address may be contacted; `reason` is empty when it may, else says why not."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Where the simulator may send: always to loopback and private receivers, to public ones when allowed.

    Metadata services of clouds, link-local, multicast and reserved addresses are refused under every policy.

    >>> EgressPolicy().verdict("127.0.0.1", 8080)
    Verdict(allowed=True, reason='')
    >>> EgressPolicy(allow_public=True).verdict("169.254.169.254", 80).reason
    '169.254.169.254 is a link local address'
    """

    allow_public: bool = False

    def verdict(self, host_ip: str, port: int) -> Verdict:
        """Judge an address as a socket would get it; names and odd spellings are blocked, never guessed."""
        if not 0 < port < 65536:
            return Verdict(allowed=False, reason=f"{port} is not a port between 1 and 65535")
        try:
            address = ip_address(host_ip.partition("%")[0])
        except ValueError:
            return Verdict(allowed=False, reason=f"{host_ip[:80]!r} is not an IP address")
        kind = _kind(address)
        if kind == "public" and not self.allow_public:
            return Verdict(allowed=False, reason=f"{address} is public, and {_CLOSED}")
        if kind in ("local", "public"):
            return Verdict(allowed=True)
        return Verdict(allowed=False, reason=f"{address} is a {kind}")


def check_url(url: str, policy: EgressPolicy) -> str | None:
    """Return None when a URL may be tried, or the sentence that tells its author why it is refused.

    Nothing is resolved. aiohttp's own parser reads the URL, so no two parsers can disagree about its host.

    >>> check_url("http://localhost:3000/hook", EgressPolicy())
    >>> check_url("https://your-app.com/hook", EgressPolicy())
    'your-app.com is a public name, and public addresses are not contacted without --allow-egress'
    """
    if len(url) > MAX_URL_LENGTH or _UNSAFE.search(url):
        return f"a URL has at most {MAX_URL_LENGTH} characters, none of them a space, control or backslash"
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except (ValueError, IndexError):  # yarl 1.25 raises IndexError for "http://[]@"
        return "this is not a URL that can be read"
    if parsed.scheme not in ("http", "https") or not host or port is None:
        return "a URL must be absolute and start with http:// or https://"
    # Looked for in the text as well: the parser drops an empty user ("http://@host/").
    if parsed.raw_user is not None or "@" in re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]:
        return "a URL must not carry a user name or password"
    literal = _literal(host)
    if literal is None:
        return _check_name(host, plain=parsed.scheme == "http", policy=policy)
    if isinstance(literal, str):
        return literal
    return _check_literal(literal, port, plain=parsed.scheme == "http", policy=policy)


def guarded_connector(
    policy: EgressPolicy,
    *,
    resolver: AbstractResolver | None = None,
    limit_per_host: int = 0,
    keepalive_seconds: float = 15.0,
) -> TCPConnector:
    """Make the connector every outgoing request must use: it opens no socket to an address the policy blocks.

    A blocked address ends as aiohttp's ClientConnectorError, from an OSError (EACCES) whose text starts with
    "blocked by egress policy: ". Needs a running event loop; `limit_per_host` 0 means no limit. Sessions keep
    `trust_env=False`, since only a proxy's own address would be judged, and requests `allow_redirects=False`,
    since a redirect skips `check_url` (though not this guard).
    """
    return _GuardedConnector(
        resolver=resolver or BoundedResolver(policy),
        socket_factory=partial(_open_socket, policy),
        use_dns_cache=False,  # others choose the names: a cache of them would grow without bound
        force_close=False,
        limit=0,
        limit_per_host=limit_per_host,
        keepalive_timeout=keepalive_seconds,
    )


class BoundedResolver(AbstractResolver):
    """Resolve names on four threads of its own, each answer within two seconds.

    The event loop's default executor is never used: a slow name there would stall files and every other name.
    `localhost` and names under it are loopback without asking anybody (RFC 6761).
    """

    def __init__(self, policy: EgressPolicy, *, timeout_seconds: float = DNS_TIMEOUT_SECONDS) -> None:
        self._policy = policy
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="soundstage-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name; OSError when policy forbids asking, or nobody answers in time."""
        # Asked again here because a redirect or a caller may come without check_url.
        reason = _check_name(host, plain=False, policy=self._policy)
        if reason:
            raise OSError(errno.EACCES, BLOCKED + reason)
        if _is_localhost(host):
            found = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
        else:
            found = await self._ask(host, family)
        return [
            ResolveResult(host=ip, family=kind, hostname=host, port=port, proto=0, flags=_NUMERIC)
            for kind, ip in found
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def _ask(self, host: str, family: int) -> list[tuple[socket.AddressFamily, str]]:
        ask = partial(socket.getaddrinfo, host, None, family=family, type=socket.SOCK_STREAM)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                infos = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except TimeoutError:
            late = f"no address for {host} within {self._timeout_seconds:g} s"
            raise OSError(errno.ETIMEDOUT, late) from None
        except UnicodeError:  # the resolver's own IDNA step
            raise OSError(errno.EINVAL, f"{host!r} is not a name that can be resolved") from None
        return [(info[0], str(info[4][0])) for info in infos]

    async def close(self) -> None:
        """Let the threads end; names still waiting are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _GuardedConnector(TCPConnector):
    """A TCPConnector that also closes the resolver it was given, as nobody else holds it."""

    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        await self._resolver.close()


def _open_socket(policy: EgressPolicy, info: AddrInfoType) -> socket.socket:
    """Open the socket for one final address, or refuse; every connection passes here, whatever its URL."""
    family, kind, protocol, _, address = info
    host = str(address[0])
    verdict = policy.verdict(host, int(address[1]))
    # A zone belongs to link-local addresses, which are refused; elsewhere asyncio would resolve once more.
    reason = verdict.reason or ("an address with a zone is not contacted" if "%" in host else "")
    if reason:
        raise OSError(errno.EACCES, BLOCKED + reason)
    return socket.socket(family=family, type=kind, proto=protocol)


def _kind(address: Address) -> str:
    """Say `local`, `public`, or in words why an address is refused."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:  # the very same packet as the IPv4 address
            return _kind(address.ipv4_mapped)
        carried = _carried(address)
        if carried:  # a gateway's own network holds no receiver of ours, so only public ones may pass
            inside = [target for target in carried if _kind(target) != "public"]
            return f"translated address that leads to {inside[0]}" if inside else "public"
    for network, words in _NEVER:
        if address in network:
            return words
    if any(address in network for network, _ in _LOCAL):
        return "local"
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "reserved address"
    return "public"


def _carried(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses a NAT64, 6to4 or Teredo address leads to."""
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()


def _literal(host: str) -> Address | str | None:
    """Read a host that is an address; a sentence when its spelling is refused, None when it is a name."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        if ":" in host:
            return f"{host[:80]} is not an IPv6 address"
        # Browsers and resolvers read 127.1, 0x7f.1 and 2130706433 as addresses, aiohttp only some of them.
        if _NUMBER.match(host.rstrip(".").rpartition(".")[2].lower()):
            return f"{host[:80]} is an unusual spelling of an address; write it as four decimal numbers"
        return None
    if "%" in host and not address.is_link_local:
        return "an address with a zone (%) is not contacted; leave the zone out"
    return address


def _check_literal(address: Address, port: int, *, plain: bool, policy: EgressPolicy) -> str | None:
    verdict = policy.verdict(str(address), port)
    if verdict.allowed and plain and _kind(address) == "public":
        return f"plain http is for loopback and private receivers; use https for {address}"
    return None if verdict.allowed else verdict.reason


def _check_name(host: str, *, plain: bool, policy: EgressPolicy) -> str | None:
    name = host.lower().removesuffix(".")
    if not _NAME.match(name):
        return f"{host[:80]!r} is not a host name"
    if _METADATA_NAME.fullmatch(name):
        return f"{name} is the name of a cloud metadata service"
    if is_local_name(name):
        return None
    if plain:
        return f"plain http is for loopback and private receivers; use https for {name}"
    return None if policy.allow_public else f"{name} is a public name, and {_CLOSED}"


def _is_localhost(host: str) -> bool:
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")
