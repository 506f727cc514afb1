"""The outgoing guard: tables of addresses and URLs, no spelling gets round them, and the wire obeys."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp import AiohttpServer

from soundstage.edge.egress import BoundedResolver, EgressPolicy, Verdict, check_url, guarded_connector

CLOSED, OPEN = EgressPolicy(), EgressPolicy(allow_public=True)

words = str.split

LOCAL = words("""
127.0.0.1 127.255.255.254 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255
::1 ::1%lo ::ffff:127.0.0.1 ::ffff:10.1.2.3 0:0:0:0:0:ffff:c0a8:1 fc00::1 fd12:3456::1 fdff::1
""")

PUBLIC = words("""
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
223.255.255.255 ::ffff:8.8.8.8 2606:4700::1111 2001:4860:4860::8888 2a00::1 64:ff9b::808:808
2002:808:808::1 2001:0:808:808::f7f7:f7f7
""")

# Address or network, and the word its refusal must hold. Written by hand, not read from the code under test.
NEVER = {
    "169.254.0.0/16": "link local",
    "fe80::/10": "link local",
    "100.100.100.200/32": "metadata",
    "192.0.0.192/32": "metadata",
    "168.63.129.16/32": "metadata",
    "fd00:ec2::254/128": "metadata",
    "fd20:ce::254/128": "metadata",
    "0.0.0.0/8": "unspecified",
    "::/128": "unspecified",
    "224.0.0.0/4": "multicast",
    "ff00::/8": "multicast",
    "255.255.255.255/32": "broadcast",
    "240.0.0.0/5": "reserved",
    "192.0.0.0/25": "reserved",
    "192.88.99.0/24": "reserved",
    "198.18.0.0/15": "reserved",
    "100.64.0.0/11": "shared",
    "192.0.2.0/24": "documentation",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "2001:db8::/32": "documentation",
    "3fff::/20": "documentation",
    "2001:2::/48": "reserved",
    "2001:10::/28": "reserved",
    "100::/64": "reserved",
    "64:ff9b:1::/48": "reserved",
    "5f00::/16": "reserved",
    "fec0::/10": "reserved",
    "4000::/3": "reserved",
    "::7f00:1/128": "reserved",
    "::ffff:0:7f00:1/128": "reserved",
    "::ffff:a9fe:a9fe/128": "link local",
    "::ffff:0.0.0.0/128": "unspecified",
    "64:ff9b::7f00:1/128": "translated",
    "64:ff9b::a9fe:a9fe/128": "translated",
    "2002:7f00:1::/48": "translated",
    "2002:a9fe:a9fe::/48": "translated",
    "2002:c0a8:1::/48": "translated",
    "2001:0:7f00:1::/64": "translated",
    "2001:0:808:808::5601:5601/128": "translated",  # Teredo client 169.254.169.254, inverted
}


@pytest.mark.parametrize("address", LOCAL)
def test_loopback_and_private_receivers_are_always_allowed(address: str) -> None:
    assert CLOSED.verdict(address, 80) == OPEN.verdict(address, 65535) == Verdict(allowed=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_need_permission(address: str) -> None:
    assert OPEN.verdict(address, 443) == Verdict(allowed=True)
    refused = CLOSED.verdict(address, 443)
    assert not refused.allowed
    assert "--allow-egress" in refused.reason


@pytest.mark.parametrize(("network", "word"), NEVER.items())
def test_denied_ranges_stay_denied_from_first_to_last_address(network: str, word: str) -> None:
    denied = ipaddress.ip_network(network)
    for address in (denied[0], denied[-1]):
        for text in (str(address), address.exploded.upper()):
            for verdict in (CLOSED.verdict(text, 80), OPEN.verdict(text, 80)):
                assert not verdict.allowed, text
        assert word in OPEN.verdict(str(denied[-1]), 80).reason


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_port_that_is_none_is_blocked(port: int) -> None:
    assert "port" in OPEN.verdict("127.0.0.1", port).reason


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "127.0.0.01", "[::1]", "%1", "1.1.1.1/8", "::1 "])
def test_what_is_not_a_plain_address_is_blocked_not_guessed(text: str) -> None:
    assert "not an IP address" in OPEN.verdict(text, 80).reason


TRIED_CLOSED = words("""
http://127.0.0.1/ http://127.0.0.1:3000/hook?x=1#f https://127.0.0.1/ HTTP://LOCALHOST:8080/ http://localhost./
http://app.localhost/ http://[::1]:9/ http://[::ffff:127.0.0.1]/ http://10.1.2.3/ https://192.168.1.1:8443/
http://[fd12::1]/ http://receiver:8000/x http://host.docker.internal/ http://printer.local/ http://app.test/
http://nas.home.arpa/ http://my_service/ http://①②⑦.0.0.1/ http://127.0.0.1/@ http://localhost/?to=a@b
""")

# URL, policy, a word of the refusal.
REFUSED = [
    *[(url, OPEN, "absolute") for url in ("", "/x", "//h/", "http:", "http:///x", "ftp://h/", "file:///etc/passwd")],
    *[(url, OPEN, "absolute") for url in ("javascript:1", "gopher://127.0.0.1/", "http+unix://h/", "localhost:80")],
    *[(url, OPEN, "control") for url in (" http://h/", "http://h /", "http://h\t/", "http://h\n/", "http:\\\\h\\")],
    *[(url, OPEN, "control") for url in ("http://h\x00/", "http://127.0.0.1:80\\@evil/", "http://h/" + "a" * 2048)],
    *[(url, OPEN, "read") for url in ("http://[::1", "http://[]@", "http://h:99999/", "http://h:x/")],
    *[(url, OPEN, "user name") for url in ("http://a@localhost/", "http://a:b@localhost/", "http://@localhost/")],
    *[(url, OPEN, "user name") for url in ("http://:@localhost/", "https://127.0.0.1:80@evil.com/")],
    *[(url, OPEN, "unusual") for url in ("http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://0177.1/")],
    *[(url, OPEN, "unusual") for url in ("http://0x7f000001/", "http://127.0.0.1./", "http://127.0.0.01/")],
    *[
        (url, OPEN, "unusual")
        for url in ("http://0xA9FEA9FE/", "http://2852039166/", "http://\u0660.0.0.1/", "http://a.0x/")
    ],
    *[(url, OPEN, "link local") for url in ("http://169.254.169.254/", "https://[fe80::1%25eth0]/")],
    *[
        (url, OPEN, "link local")
        for url in (
            "http://[::ffff:169.254.169.254]/",
            "http://169。254。169。254/",
            "http://169.254.169.254%00.localhost/",
        )
    ],
    ("https://[64:ff9b::a9fe:a9fe]/", OPEN, "translated"),
    ("https://[2002:7f00:1::]/", OPEN, "translated"),
    ("https://100.100.100.200/", OPEN, "metadata"),
    ("http://[fd00:ec2::254]/", OPEN, "metadata"),
    ("http://metadata.google.internal/", OPEN, "metadata"),
    ("http://METADATA.google.internal./", OPEN, "metadata"),
    ("http://0.0.0.0/", OPEN, "unspecified"),
    ("http://[::]/", OPEN, "unspecified"),
    ("http://[::1%25.localhost]/", OPEN, "zone"),
    ("http://127.0.0.1%2f.localhost/", OPEN, "zone"),
    ("http://[g::1]/", OPEN, "not an IPv6 address"),
    ("http://127.0.0.1:0/", OPEN, "port"),
    ("http://[v1.a]/", OPEN, "plain http"),
    *[(url, OPEN, "host name") for url in ("http://a%2eb/", "http://a..b/", "http://.localhost/", "http://a!b/")],
    *[(url, OPEN, "host name") for url in ("http://.a.localhost/", f"http://{'a' * 64}/")],
    ("http://your-app.com/", OPEN, "plain http"),
    ("http://8.8.8.8/", OPEN, "plain http"),
    ("http://[::ffff:8.8.8.8]/", OPEN, "plain http"),
    ("https://your-app.com/", CLOSED, "--allow-egress"),
    ("https://localhost.your-app.com/", CLOSED, "--allow-egress"),
    ("https://notlocalhost.com/", CLOSED, "--allow-egress"),
    ("https://évil.example/", CLOSED, "--allow-egress"),
    ("https://8.8.8.8/", CLOSED, "--allow-egress"),
]


@pytest.mark.parametrize("url", TRIED_CLOSED)
def test_local_receivers_may_be_tried(url: str) -> None:
    assert check_url(url, CLOSED) is None
    assert check_url(url, OPEN) is None


@pytest.mark.parametrize("url", ["https://your-app.com/x", "https://8.8.8.8/", "https://[2606:4700::1111]/"])
def test_public_https_may_be_tried_with_permission_only(url: str) -> None:
    assert check_url(url, OPEN) is None
    assert "--allow-egress" in str(check_url(url, CLOSED))


@pytest.mark.parametrize(("url", "policy", "word"), REFUSED)
def test_other_urls_are_refused_with_the_reason(url: str, policy: EgressPolicy, word: str) -> None:
    reason = check_url(url, policy)
    assert reason is not None
    assert word in reason
    if policy is OPEN:
        assert check_url(url, CLOSED) is not None


DENIED = [ipaddress.ip_network(network) for network in NEVER]
FIXED = [(CLOSED, "http"), (CLOSED, "https"), (OPEN, "http"), (OPEN, "https")]


def spellings(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[str]:
    """Write one address in every way some parser understands."""
    number = int(address)
    if isinstance(address, ipaddress.IPv6Address):
        forms = [str(address), address.exploded, str(address).upper(), f"{address}%eth0", f"{address}%25x"]
        tail = ipaddress.IPv4Address(number & 0xFFFFFFFF)
        return [*forms, f"{ipaddress.IPv6Address(number >> 32 << 32).exploded[:30]}{tail}"]
    a, b, c, d = address.packed
    dotted = [str(address), f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{address}."]
    short = [
        str(number),
        f"{number:#x}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{c * 256 + d}",
    ]
    embedded = [
        f"::ffff:{address}",
        f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}",
        f"64:ff9b::{address}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
        str(ipaddress.IPv6Address((0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFFFFFF))),
        f"::{address}" if number > 1 else "::",  # ::0.0.0.1 is ::1, plain loopback
        f"::ffff:0:{address}",
    ]
    return [
        *dotted,
        *short,
        *embedded,
        "".join(chr(0xFF10 + int(c)) if c.isdigit() else c for c in str(address)),
    ]


@given(data=st.data(), network=st.sampled_from(DENIED))
def test_no_denied_address_passes_by_any_spelling(data: st.DataObject, network: Any) -> None:
    address = network[data.draw(st.integers(0, network.num_addresses - 1))]
    for text in spellings(address):
        assert not CLOSED.verdict(text, 80).allowed, text
        assert not OPEN.verdict(text, 80).allowed, text
        host = f"[{text}]" if ":" in text else text
        for policy, scheme in FIXED:
            assert check_url(f"{scheme}://{host}/", policy) is not None, text


@given(number=st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1)), open_=st.booleans())
def test_what_the_standard_library_calls_special_is_never_reached_as_public(number: int, open_: bool) -> None:
    address = ipaddress.ip_address(number)
    allowed = EgressPolicy(allow_public=open_).verdict(str(address), 443).allowed
    if not address.is_global and not address.is_private:
        assert not allowed
    if address.is_multicast or address.is_link_local or address.is_unspecified:
        assert not allowed
    if address.is_loopback:
        assert allowed


@given(text=st.one_of(st.text(), st.text("htps:/[]@%.0123456789abcdefx-\\#?").map("http://".__add__)))
def test_no_text_makes_the_guard_raise(text: str) -> None:
    assert isinstance(check_url(text, OPEN), str | None)
    assert isinstance(OPEN.verdict(text, 80), Verdict)


class FixedResolver(AbstractResolver):
    """A name server that answers every question with one address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [ResolveResult(hostname=host, host=self.address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
async def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record every address the event loop is asked to connect to."""
    loop, seen = asyncio.get_running_loop(), []
    original = loop.sock_connect

    async def recorded(sock: socket.socket, address: Any) -> None:
        seen.append(address)
        await original(sock, address)

    monkeypatch.setattr(loop, "sock_connect", recorded)
    return seen


def blocked(error: aiohttp.ClientConnectorError) -> bool:
    return error.os_error.errno == errno.EACCES and "blocked by egress policy: " in str(error.os_error)


async def test_on_the_wire_loopback_is_reached_and_link_local_gets_no_packet(
    aiohttp_server: AiohttpServer, connects: list[Any]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="reached")

    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")

    app = web.Application()
    app.router.add_get("/", answer)
    app.router.add_get("/redirect", redirect)
    server = await aiohttp_server(app)
    async with aiohttp.ClientSession(connector=guarded_connector(OPEN)) as session:
        for host in ("127.0.0.1", "localhost", "app.localhost", "[::ffff:127.0.0.1]"):
            async with session.get(f"http://{host}:{server.port}/") as reply:
                assert await reply.text() == "reached"
        reached = len(connects)
        assert reached >= 4
        for url in ("http://169.254.169.254/", "http://[fe80::1%25lo]/", "http://[::ffff:169.254.169.254]/"):
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get(url)
            assert blocked(caught.value)
        assert len(connects) == reached
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://127.0.0.1:{server.port}/redirect", allow_redirects=True)
        assert blocked(caught.value)
        assert not [address for address in connects if str(address[0]).startswith("169.254")]


@pytest.mark.parametrize(
    ("policy", "address"),
    [(OPEN, "169.254.169.254"), (OPEN, "0.0.0.0"), (OPEN, "127.0.0.1%lo"), (CLOSED, "8.8.8.8")],
)
async def test_a_name_that_points_at_a_blocked_address_gets_no_packet(
    policy: EgressPolicy, address: str, connects: list[Any]
) -> None:
    resolver = FixedResolver(address)
    async with aiohttp.ClientSession(connector=guarded_connector(policy, resolver=resolver)) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get("http://receiver/")
    assert blocked(caught.value)
    assert resolver.asked == ["receiver"]
    assert connects == []


async def test_the_connector_has_no_cache_of_names_and_no_limit_and_closes_its_resolver() -> None:
    connector = guarded_connector(CLOSED)
    assert (connector.use_dns_cache, connector.force_close, connector.limit) == (False, False, 0)
    await connector.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        await connector._resolver.resolve("receiver")


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """Replace the machine's resolver; returns the names of the threads that asked."""
    threads: list[str] = []

    def use(result: Any) -> list[str]:
        def answer(*_: Any, **__: Any) -> Any:
            threads.append(threading.current_thread().name)
            return result()

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        return threads

    return use


async def test_names_are_asked_on_threads_of_their_own(dns: Callable[[Any], list[str]]) -> None:
    threads = dns(lambda: [(socket.AF_INET, 1, 6, "", ("10.0.0.7", 0))])
    resolver = BoundedResolver(CLOSED)
    found = await resolver.resolve("receiver", 80, socket.AF_UNSPEC)
    await resolver.close()
    assert [(entry["host"], entry["port"], entry["hostname"]) for entry in found] == [("10.0.0.7", 80, "receiver")]
    assert threads[0].startswith("soundstage-dns")


async def test_a_name_server_that_hangs_is_given_up(dns: Callable[[Any], list[str]]) -> None:
    release = threading.Event()
    dns(release.wait)
    resolver = BoundedResolver(CLOSED, timeout_seconds=0.01)
    try:
        with pytest.raises(OSError, match="no address for receiver within") as caught:
            await resolver.resolve("receiver", 80)
    finally:
        release.set()
        await resolver.close()
    assert caught.value.errno == errno.ETIMEDOUT


@pytest.mark.parametrize(
    ("policy", "host"), [(CLOSED, "your-app.com"), (OPEN, "metadata.google.internal"), (OPEN, "a b")]
)
async def test_forbidden_names_are_never_asked_for(
    policy: EgressPolicy, host: str, dns: Callable[[Any], list[str]]
) -> None:
    threads = dns(list)
    resolver = BoundedResolver(policy)
    with pytest.raises(OSError, match="blocked by egress policy: ") as caught:
        await resolver.resolve(host)
    await resolver.close()
    assert caught.value.errno == errno.EACCES
    assert threads == []


async def test_localhost_is_loopback_without_asking(dns: Callable[[Any], list[str]]) -> None:
    threads = dns(list)
    resolver = BoundedResolver(CLOSED)
    for host in ("localhost", "LOCALHOST.", "app.localhost"):
        found = await resolver.resolve(host, 80, socket.AF_UNSPEC)
        assert [entry["host"] for entry in found] == ["127.0.0.1", "::1"]
    assert [entry["host"] for entry in await resolver.resolve("localhost", 80, socket.AF_INET6)] == ["::1"]
    await resolver.close()
    assert threads == []


async def test_a_name_the_resolver_cannot_encode_is_an_os_error(dns: Callable[[Any], list[str]]) -> None:
    def refuse() -> None:
        raise UnicodeError("label too long")

    dns(refuse)
    resolver = BoundedResolver(CLOSED)
    with pytest.raises(OSError, match="can be resolved"):
        await resolver.resolve("receiver")
    await resolver.close()
