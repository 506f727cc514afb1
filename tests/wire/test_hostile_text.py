"""Text that headers, journals and clocks cannot carry: nothing breaks, nothing is charged twice, no key is shown."""

import asyncio
import json
from urllib.parse import urlsplit

import aiohttp

from support.client import KLING, House

LATIN = b"caf\xe9"


async def raw_call(house: House, lines: list[bytes], body: bytes = b"") -> bytes:
    """Send bytes that no client library would and return the whole answer."""
    address = urlsplit(house.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = [*lines, b"Host: 127.0.0.1", b"Connection: close", b"Content-Length: %d" % len(body)]
    writer.write(b"\r\n".join(head) + b"\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_field_name_with_a_newline_is_answered_and_charged_once(stage: House) -> None:
    answer = await stage.client().post("/unified-video/generate", {**KLING, "a\r\nSet-Cookie: b": 1, "é\x00": 2})
    assert answer.status == 200
    warning = answer.headers["X-Soundstage-Warning"]
    assert "a??Set-Cookie" in warning
    assert "Set-Cookie" not in answer.headers
    assert len(await stage.admin().tasks()) == 1
    await stage.admin().sound()


async def test_a_latin_1_header_does_not_break_the_list_of_calls(stage: House) -> None:
    answer = await raw_call(
        stage,
        [b"GET /midsync/unified-video/models HTTP/1.1", b"Authorization: Bearer sk_test_latin", b"X-Note: " + LATIN],
    )
    assert answer.startswith(b"HTTP/1.1 200")
    async with aiohttp.ClientSession() as session, session.get(f"{stage.url}/__admin/requests") as listed:
        assert listed.status == 200
        assert "caf?" in await listed.text()


async def test_a_key_under_a_percent_encoded_name_is_not_shown(stage: House) -> None:
    answer = await raw_call(stage, [b"GET /midsync/v1/usage/logs?api%5Fkey=sk_test_hidden_key HTTP/1.1"])
    assert answer.startswith(b"HTTP/1.1 200")
    async with aiohttp.ClientSession() as session, session.get(f"{stage.url}/__admin/requests") as listed:
        text = await listed.text()
    assert "sk_test_hidden_key" not in text
    assert json.loads(text)["requests"][0]["path"] == "/midsync/v1/usage/logs?api%5Fkey=…"


async def test_a_clock_ends_before_the_calendar_does(stage: House) -> None:
    headers = {"X-Soundstage-Universe": "far"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for method, path, body in (
            ("PUT", "clock", {"mode": "manual", "now": "9999-12-31T23:59:59Z"}),
            ("PUT", "clock", {"mode": "scaled", "speed": 1e-320}),
        ):
            async with session.request(method, f"{stage.url}/__admin/{path}", json=body) as refused:
                assert refused.status in {400, 409}, await refused.text()
        async with session.get(f"{stage.url}/__admin/universes") as listed:
            assert listed.status == 200


async def test_a_callback_may_not_drive_the_admin_api(stage: House) -> None:
    async with (
        aiohttp.ClientSession(headers={"x-soundstage-attempt": "1", "X-Soundstage-Universe": "*"}) as session,
        session.post(f"{stage.url}/__admin/reset", json={"what": "all"}) as refused,
    ):
        assert refused.status == 403
        assert (await refused.json())["error"]["code"] == "own_callback"
