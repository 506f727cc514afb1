"""API-Key's IP allowlists: addresses and networks, compared with who really is at the socket (R-KEY-004, 072)."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from conftest import OpenStage
from soundstage.core.limits import address_problem
from support.client import TASKS, House
from support.gateway import BODIES, OPERATIONS, nobody, refused
from unit.stage import a_key

GOOD = "sk_test_good"
INSIDE = [
    ["127.0.0.1"],
    ["127.0.0.1/32"],
    ["127.0.0.0/8"],
    ["127.9.9.9/8"],
    ["0.0.0.0/0"],
    ["10.0.0.1", "::1", "127.0.0.0/30"],
]
OUTSIDE = [["10.0.0.1"], ["127.0.0.2"], ["127.0.0.2/31"], ["::1"], ["::/0"], ["128.0.0.0/1", "10.0.0.0/8"], []]
FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP")


@pytest.mark.parametrize(
    ("allowed", "passes"), [*((one, True) for one in INSIDE), *((one, False) for one in OUTSIDE)], ids=str
)
async def test_r_key_004_072_an_ip_allowlist_is_compared_with_the_socket_s_peer(
    stage: House, allowed: list[str], passes: bool
) -> None:
    """No header can change who the peer is, neither to get in nor to be kept out."""
    shown = await stage.admin(GOOD).register("apikeyorg", key=GOOD, ip_allowlist=allowed)
    assert shown["ip_allowlist"] == allowed
    client = stage.gateway(GOOD)
    pretended = "203.0.113.9" if passes else (allowed or ["127.0.0.1"])[0].partition("/")[0]
    forged = {name: f"for={pretended}" if name == "Forwarded" else pretended for name in FORGED}
    for headers in ({}, forged):
        for method, path, _ in OPERATIONS:
            answer = await client.call(method, path, body=BODIES.get(path), headers=headers)
            if passes:
                assert answer.status == (404 if path.startswith("/v1/tasks/") else 200), path
            else:
                assert refused(answer, 403, "ip_not_allowed", "permission_error"), path
                assert "127.0.0.1" in answer["error"]["message"]
    if not passes:
        assert await stage.admin(GOOD).tasks() == []
        assert await stage.admin(GOOD).balance() == 1000
    assert (await nobody(stage).get("/v1/models")).status == 200


async def test_the_same_key_passes_from_one_address_and_not_from_another(stage: House) -> None:
    await stage.admin(GOOD).register("apikeyorg", key=GOOD, ip_allowlist=["127.0.0.2"])
    assert (await stage.gateway(GOOD).post("/v1/videos", TASKS["video"][1])).status == 403
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        elsewhere = replace(stage.gateway(GOOD), http=http)
        assert (await elsewhere.post("/v1/videos", TASKS["video"][1])).status == 200


@pytest.mark.parametrize(
    ("allowed", "status"),
    [("::1", 200), ("::/0", 200), ("0:0:0:0:0:0:0:1/128", 200), ("::2", 403), ("127.0.0.1", 403), ("0.0.0.0/0", 403)],
)
async def test_ip_version_6_peers_are_compared_too(open_stage: OpenStage, allowed: str, status: int) -> None:
    stage = await open_stage(host="::1")
    await stage.admin(GOOD).register("apikeyorg", key=GOOD, ip_allowlist=[allowed])
    assert (await stage.gateway(GOOD).post("/v1/videos", TASKS["video"][1])).status == status


@pytest.mark.parametrize(
    ("peer", "allowed", "passes"),
    [
        ("::ffff:127.0.0.1", "127.0.0.0/8", True),
        ("::ffff:10.1.2.3", "127.0.0.0/8", False),
        ("fe80::1%eth0", "fe80::/10", True),
        ("2001:db8::5", "2001:db8::/32", True),
        (None, "0.0.0.0/0", False),
    ],
)
def test_mapped_scoped_and_unknown_peers(peer: str | None, allowed: str, passes: bool) -> None:
    assert (address_problem(replace(a_key(), ip_allowlist=(allowed,)), peer) is None) == passes


@pytest.mark.parametrize(
    "entry", ["localhost", "", "300.0.0.1", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "10.0.0.*", "::1/129", "127.0.0.1:80"]
)
async def test_the_admin_refuses_entries_that_are_no_address_and_no_network(stage: House, entry: str) -> None:
    body = {"provider": "apikeyorg", "key": GOOD, "ip_allowlist": ["127.0.0.1", entry]}
    answer = await stage.admin(GOOD).call("POST", "/keys", body)
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_ip_allowlist")
    assert "10.0.0.0/8" in answer["error"]["hint"]
    assert (await stage.anybody().get("/keys"))["keys"] == []
