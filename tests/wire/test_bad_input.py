"""Hostile calls: always the provider's own 4xx with a sentence that helps, never a task, never a lost credit."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import OpenStage
from support.client import KLING, SEEDANCE, Answer, House

POSTS = ["/v1/videos/generations", "/unified-video/generate", "/unified-video/quote"]
GOOD = json.dumps(dict(KLING))
MEBIBYTE = 1 << 20


def with_(**fields: Any) -> bytes:
    """Return the Kling body with other fields."""
    return json.dumps({**KLING, **fields}).encode()


def raw(field: str, literal: str) -> bytes:
    """Return the Kling body with one field written as it stands."""
    return f'{GOOD[:-1]}, "{field}": {literal}}}'.encode()


BODIES: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 400, "JSON object"),
    ("blank", b" \n ", 400, "JSON object"),
    ("array", b"[]", 400, "JSON object"),
    ("string", b'"hi"', 400, "JSON object"),
    ("null", b"null", 400, "JSON object"),
    ("number", b"1", 400, "JSON object"),
    ("malformed", b'{"model": ', 400, "JSON object"),
    ("trailing comma", b'{"model": "x",}', 400, "JSON object"),
    ("trailing text", GOOD.encode() + b"x", 400, "JSON object"),
    ("single quotes", b"{'model': 'x'}", 400, "JSON object"),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD.encode(), 400, "JSON object"),
    ("invalid utf-8", b'{"model": "\xff\xfe"}', 400, "UTF-8"),
    ("utf-16", GOOD.encode("utf-16"), 400, "UTF-8"),
    ("lone surrogate", raw("prompt", '"\\ud800 abc"'), 400, "JSON"),
    ("surrogate bytes", b'{"model": "\xed\xa0\x80"}', 400, "UTF-8"),
    ("deep arrays", b"[" * 100_000, 400, "JSON object"),
    ("deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "JSON object"),
    ("deep but closed", b"[" * 100_000 + b"]" * 100_000, 400, "JSON object"),
    ("NaN", raw("cfgScale", "NaN"), 400, "JSON"),
    ("infinity", raw("cfgScale", "-Infinity"), 400, "JSON"),
    ("float overflow", raw("cfgScale", "1e999"), 400, ""),
    ("5000-digit integer", raw("duration", "9" * 5000), 400, ""),
    ("5000-digit float", raw("cfgScale", "9" * 5000), 400, ""),
    ("no model", json.dumps({"prompt": "abc"}).encode(), 400, "seedance-1.5-pro"),
    ("null model", with_(model=None), 400, "model"),
    ("number model", with_(model=7), 400, "kling-2.5-turbo"),
    ("list model", with_(model=["kling-2.5-turbo"]), 400, "kling-2.5-turbo"),
    ("object model", with_(model={}), 400, "kling-2.5-turbo"),
    ("unknown model", with_(model="kling-9"), 400, "kling-2.5-turbo"),
    ("long model", with_(model="x" * 100_000), 400, "kling-2.5-turbo"),
    ("no prompt", b'{"model": "kling-2.5-turbo"}', 400, "prompt is required"),
    ("null prompt", with_(prompt=None), 400, "prompt"),
    ("number prompt", with_(prompt=5), 400, "prompt must be a string"),
    ("long prompt", with_(prompt="x" * 2501), 400, "2500"),
    ("short prompt", with_(prompt="ab"), 400, "3"),
    ("string duration", with_(duration="5"), 400, "duration must be an integer"),
    ("boolean duration", with_(duration=True), 400, "duration must be an integer"),
    ("negative duration", with_(duration=-5), 400, "duration"),
    ("huge duration", with_(duration=2**63), 400, "duration"),
    ("list images", with_(images="https://example.com/a.png"), 400, "images must be an array"),
    ("nested images", with_(images=[["x"]]), 400, "images"),
    ("script image", with_(images=["javascript:alert(1)"]), 400, "http"),
    ("file callback", with_(callbackUrl="file:///etc/passwd"), 400, "http"),
    ("newline callback", with_(callbackUrl="http://a.example/\r\nX: y"), 400, "http"),
    ("bad port callback", with_(callbackUrl="http://a.example:99999/"), 400, "http"),
    ("bad v6 callback", with_(callbackUrl="http://[::1/"), 400, "http"),
    ("long callback", with_(callbackUrl="http://a.example/" + "x" * 3000), 400, "2048"),
    ("string cfgScale", with_(cfgScale="0.5"), 400, "cfgScale"),
    ("number project", with_(projectId=1), 400, "projectId"),
]


async def test_the_journal_can_show_any_body(stage: House) -> None:
    for _, body, *_ in BODIES:
        await stage.client().call("POST", POSTS[2], data=body)
    assert len((await stage.admin().get("/requests?limit=1000"))["requests"]) == len(BODIES)


async def untouched(house: House, key: str | None = None) -> None:
    """Assert that no task exists, no credit moved and the books balance."""
    admin = house.admin(key)
    assert await admin.tasks() == []
    wallet = await admin.wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await admin.sound()


def refused(answer: Answer, status: int, word: str = "") -> None:
    """Assert the provider's error shape; the client has judged it by the document already."""
    assert answer.status == status, answer.raw
    assert answer["success"] is False
    assert word in answer["error"], answer["error"]
    assert len(answer["error"]) < 1000


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(("why", "body", "status", "word"), BODIES, ids=[case[0] for case in BODIES])
async def test_a_bad_body(stage: House, path: str, why: str, body: bytes, status: int, word: str) -> None:
    answer = await stage.client().call("POST", path, data=body)
    refused(answer, status, word)
    await untouched(stage)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data", "application/json; charset=latin-1"],
)
async def test_a_wrong_content_type(stage: House, path: str, content_type: str) -> None:
    """R-MID-006."""
    answer = await stage.client().call("POST", path, data=GOOD.encode(), headers={"Content-Type": content_type})
    refused(answer, 415, "application/json")
    await untouched(stage)


async def stream(total: int) -> AsyncIterator[bytes]:
    """Yield a body of `total` bytes without announcing its length."""
    for _ in range(total // 65_536 + 1):
        yield b" " * 65_536


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("announced", [True, False])
async def test_more_than_a_mebibyte(stage: House, path: str, announced: bool) -> None:
    data: Any = io.BytesIO(b" " * (MEBIBYTE + 1)) if announced else stream(MEBIBYTE)
    refused(await stage.client().call("POST", path, data=data), 413, "1048576 bytes")
    await untouched(stage)


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_of_just_a_mebibyte_is_read(stage: House, path: str) -> None:
    data = io.BytesIO(GOOD.encode().ljust(MEBIBYTE))
    assert (await stage.client().call("POST", path, data=data)).status == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("why", "coding", "body", "status"),
    [
        ("gzip bomb", "gzip", gzip.compress(b" " * (64 * MEBIBYTE)), 413),
        ("deflate bomb", "deflate", zlib.compress(b" " * (16 * MEBIBYTE)), 413),
        ("broken gzip", "gzip", b"this is no gzip", 400),
        ("cut gzip", "gzip", gzip.compress(GOOD.encode())[:-40], 400),
        ("broken deflate", "deflate", b"\xff\xff\xff", 400),
    ],
    ids=["gzip bomb", "deflate bomb", "broken gzip", "cut gzip", "broken deflate"],
)
async def test_a_compressed_body(stage: House, path: str, why: str, coding: str, body: bytes, status: int) -> None:
    answer = await stage.client().call("POST", path, data=body, headers={"Content-Encoding": coding})
    refused(answer, status)
    await untouched(stage)


async def test_an_honest_gzip_is_read(stage: House) -> None:
    data = gzip.compress(GOOD.encode())
    answer = await stage.client().call("POST", POSTS[0], data=data, headers={"Content-Encoding": "gzip"})
    assert answer.status == 200


@pytest.mark.parametrize("path", [*POSTS, "/v1/usage/logs", "/v1/usage/summary"])
@pytest.mark.parametrize("query", ["a=1&a=2", "x=%ff%fe", "&".join(f"f{n}=1" for n in range(200))])
async def test_a_bad_query(stage: House, path: str, query: str) -> None:
    post = path in POSTS
    answer = await stage.client().call(
        "POST" if post else "GET", f"{path}?{query}", data=GOOD.encode() if post else None
    )
    refused(answer, 400, "query")
    await untouched(stage)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "key",
    [
        "short",
        "with space in it",
        "ключ_ключ_ключ",
        "x" * 201,
        "sk_test_me_revoked",
        "sk_test_me_invalid",
        "a;b|c$d&e*f",
    ],
)
async def test_a_bad_key(stage: House, path: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await stage.nobody().call("POST", path, data=GOOD.encode(), headers=headers)
    refused(answer, 401)
    assert key not in answer["error"]
    assert (await stage.anybody().get("/tasks"))["tasks"] == []


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic c2tfdGVzdF9tZTo=", "sk_test_somebody", "Token x"])
async def test_a_bad_authorization_header(stage: House, header: str) -> None:
    answer = await stage.nobody().call("POST", POSTS[0], data=GOOD.encode(), headers={"Authorization": header})
    refused(answer, 401)


async def test_a_revoked_key(stage: House) -> None:
    made = await stage.anybody().register(key="sk_test_goner")
    client = stage.client("sk_test_goner")
    assert (await client.post(POSTS[2], KLING)).status == 200
    assert (await stage.anybody().call("DELETE", f"/keys/{made['id']}")).status == 204
    refused(await client.post(POSTS[0], KLING), 401, "revoked")
    await untouched(stage, "sk_test_goner")


async def test_strict_keys_refuse_what_nobody_registered(open_stage: OpenStage) -> None:
    house = await open_stage(strict_keys=True)
    refused(await house.client().post(POSTS[0], KLING), 401, "register")
    await house.anybody().register(key=house.key)
    assert (await house.client().post(POSTS[0], KLING)).status == 200


@pytest.mark.parametrize(
    "task", ["gen_none", "%00", "%ff%fe", "%2e%2e%2f", "%", "%zz", "a" * 5000, "' OR 1=1--".replace(" ", "%20")]
)
async def test_an_unknown_task(stage: House, task: str) -> None:
    refused(await stage.client().get(f"/unified-video/{task}/status"), 404, "taskId")


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/v1/video/generations", "/v1/videos/generations"),
        ("/unified-video/model", "/unified-video/models"),
        ("/v1/usage/log", "/v1/usage/logs"),
        ("/v1/videos/generations/", "/v1/videos/generations"),
        ("/unified-video//status", "/unified-video/{taskId}/status"),
        ("/zzz", None),
    ],
)
async def test_an_unknown_route_hints_at_the_nearest(stage: House, path: str, near: str | None) -> None:
    answer = await stage.client().call("POST", path, data=GOOD.encode())
    refused(answer, 404, near or "no such endpoint")
    assert (near or "") in answer.headers.get("X-Soundstage-Hint", "")
    await untouched(stage)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        *((method, path, "POST") for method in ("GET", "PUT", "DELETE", "PATCH") for path in POSTS),
        ("POST", "/unified-video/models", "GET"),
        ("DELETE", "/unified-video/gen_1/status", "GET"),
        ("POST", "/v1/usage/logs", "GET"),
    ],
)
async def test_a_wrong_method(stage: House, method: str, path: str, allow: str) -> None:
    answer = await stage.client().call(method, path)
    refused(answer, 405, allow)
    assert answer.headers["Allow"] == allow
    await untouched(stage)


async def test_an_unknown_provider_says_which_there_are(stage: House) -> None:
    async with stage.http.get(f"{stage.url}/nobody/v1/x") as reply:
        assert reply.status == 404
        assert "/midsync" in reply.headers["X-Soundstage-Hint"]


async def speak(house: House, said: bytes) -> bytes:
    """Say something on a raw connection and return all that comes back."""
    port = int(house.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        await writer.drain()
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


POST_HEAD = (
    b"POST /midsync/unified-video/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    b"Authorization: Bearer sk_test_somebody\r\nContent-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("absolute target", b"GET http://evil.example/midsync HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ("asterisk target", b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ("broken chunk size", POST_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        ("two lengths", POST_HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ("negative length", POST_HEAD + b"Content-Length: -1\r\n\r\n{}"),
        ("length and chunks", POST_HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("unknown method", b"BREW /midsync/v1/usage/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ("no HTTP", b"hello there\r\n\r\n"),
        ("null in header", POST_HEAD + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}"),
        ("long header", POST_HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n"),
    ],
)  # fmt: skip
async def test_broken_http_is_answered_4xx(stage: House, why: str, said: bytes) -> None:
    came = await speak(stage, said)
    assert came.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), came[:300]
    await untouched(stage)


@pytest.mark.parametrize("host", [b"", b"evil.example", b"a b", b"[::1", b"x" * 1000])
async def test_a_bad_host_header_drives_nothing(stage: House, host: bytes) -> None:
    head = b"Host: " + host + b"\r\nConnection: close\r\n\r\n"
    came = await speak(stage, b"GET /__admin/keys HTTP/1.1\r\n" + head)
    assert came.startswith(b"HTTP/1.1 4"), came[:300]
    came = await speak(stage, b"GET /midsync/v1/usage/logs HTTP/1.1\r\n" + head)
    assert came.startswith(b"HTTP/1.1 4"), came[:300]


async def test_a_caller_who_leaves_in_the_middle_of_a_body_creates_nothing(stage: House) -> None:
    port = int(stage.url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST_HEAD + b"Content-Length: 500\r\n\r\n" + GOOD.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await untouched(stage)


async def test_after_all_that_a_good_call_still_works(stage: House) -> None:
    assert (await stage.client().create(SEEDANCE))["pointsCharged"] == 20
