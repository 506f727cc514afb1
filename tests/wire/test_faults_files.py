"""Faults of files: a finished and paid task whose result cannot be had as promised."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from soundstage.core.clock import stopwatch
from support.client import Answer, House
from support.faulty import APPLIED, PROVIDERS, Side, side, urls


async def finished(one: Side, fault: str | None = None) -> str:
    """Return the address of a finished task's file."""
    answer = await one.create(fault)
    assert answer.status == 200, answer.raw
    task_id = answer.body.get("taskId") or answer.body.get("task_id") or answer.body["job_id"]
    await one.admin.advance()
    return urls(one.provider, await one.poll(str(task_id)))


async def fetch(house: House, url: str, method: str = "GET", **headers: str) -> Answer:
    """Fetch a file without any key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.http.request(method, url, headers=named) as reply:
        return Answer(reply.status, await reply.read(), reply.headers)


async def paid(one: Side) -> None:
    """Assert that the task is charged all the same, and that the books balance."""
    assert (await one.admin.wallet())["spent"] > 0
    await one.admin.sound()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_file_is_missing(stage: House, provider: str) -> None:
    one = side(stage, provider)
    url = await finished(one, "files/missing")
    answer = await fetch(stage, url)
    assert (answer.status, answer.headers[APPLIED]) == (404, "files/missing")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await fetch(stage, url, "HEAD")).status == 404
    await paid(one)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_link_has_expired(stage: House, provider: str) -> None:
    one = side(stage, provider)
    url = await finished(one)
    assert (await fetch(stage, url)).status == 200
    await one.rule("files/expired")
    denied = await fetch(stage, url)
    assert (denied.status, denied.headers["Content-Type"]) == (403, "application/xml")
    assert b"expired" in denied.raw
    await one.admin.ok("DELETE", "/faults")
    await one.rule("files/expired", status=410)
    assert (await fetch(stage, url)).status == 410
    await paid(one)


async def test_a_link_works_for_a_while_before_it_expires(stage: House) -> None:
    one = side(stage, "midsync")
    url = await finished(one, "files/expired;seconds=3600")
    fresh = await fetch(stage, url)
    assert fresh.status == 200
    assert APPLIED not in fresh.headers
    await one.admin.advance(seconds=3600)
    assert (await fetch(stage, url)).status == 403


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_file_comes_slowly_and_whole(stage: House, provider: str) -> None:
    one = side(stage, provider)
    url = await finished(one)
    whole = await fetch(stage, url)
    await one.rule("files/slow", piece_bytes=len(whole.raw) // 4, piece_ms=30)
    began = stopwatch()
    slow = await fetch(stage, url)
    assert stopwatch() - began >= 0.08
    assert slow.raw == whole.raw
    assert slow.headers[APPLIED] == "files/slow"
    assert slow.headers["Content-Type"] == whole.headers["Content-Type"]
    part = await fetch(stage, url, Range="bytes=0-9")
    assert (part.status, part.raw) == (206, whole.raw[:10])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_connection_closes_before_the_file_is_whole(stage: House, provider: str) -> None:
    one = side(stage, provider)
    url = await finished(one)
    whole = (await fetch(stage, url)).raw
    await one.rule("files/truncated", share=0.25)
    async with stage.http.get(url) as reply:
        assert reply.status == 200
        assert int(reply.headers["Content-Length"]) == len(whole)
        assert await reply.content.readexactly(len(whole) // 4) == whole[: len(whole) // 4]
        with pytest.raises(aiohttp.ClientPayloadError):
            await reply.content.read(1)
    await paid(one)


async def test_a_short_file_looks_whole_to_whoever_does_not_open_it(stage: House) -> None:
    one = side(stage, "midsync")
    whole = await fetch(stage, await finished(one))
    short = await fetch(stage, await finished(one, "files/truncated;how=short;share=0.5"))
    assert short.status == 200
    assert short.raw == whole.raw[: len(whole.raw) // 2]
    assert int(short.headers["Content-Length"]) == len(short.raw)
    assert short.headers["ETag"] != whole.headers["ETag"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_file_says_it_is_something_else(stage: House, provider: str) -> None:
    one = side(stage, provider)
    url = await finished(one)
    whole = await fetch(stage, url)
    await one.rule("files/wrong-type", content_type="text/html; charset=utf-8")
    wrong = await fetch(stage, url)
    assert (wrong.status, wrong.raw) == (200, whole.raw)
    assert wrong.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await fetch(stage, url, "HEAD")).headers["Content-Type"] == "text/html; charset=utf-8"
    part = await fetch(stage, url, Range="bytes=-4")
    assert (part.status, part.raw) == (206, whole.raw[-4:])


async def test_two_faults_of_a_file_add_up(stage: House) -> None:
    one = side(stage, "midsync")
    url = await finished(one)
    await one.rule("files/wrong-type")
    await one.rule("files/truncated", how="short")
    answer = await fetch(stage, url)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers[APPLIED] == "files/truncated, files/wrong-type"


async def test_only_the_download_a_rule_is_aimed_at_goes_wrong(stage: House) -> None:
    one = side(stage, "midsync")
    url = await finished(one)
    await one.rule("files/missing", {"nth": 2})
    assert [(await fetch(stage, url)).status for _ in range(3)] == [200, 404, 200]


async def test_another_universe_has_its_files(stage: House) -> None:
    one = side(stage, "midsync")
    other = replace(one, key="sk_test_neighbour")
    await one.rule("files/missing")
    assert (await fetch(stage, await finished(other))).status == 200
    assert (await fetch(stage, await finished(one))).status == 404
