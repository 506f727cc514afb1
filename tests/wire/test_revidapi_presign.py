"""RevidAPI's presigned uploads: an address that takes one PUT, then a confirm (R-REV-021, 183..185)."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.client import House
from support.revid_files import JPEG, MP4, PNG, bare, revid

PATH = "/v1/files/upload/presign"


def files_of(house: House) -> list[Path]:
    """Return every file the server keeps, those that are arriving included."""
    folder = house.stage.blobs._folder
    return [] if folder is None else [path for path in Path(folder.name).rglob("*") if path.is_file()]


async def test_r_rev_021_183_184_presign_put_confirm(stage: House) -> None:
    client = revid(stage)
    asked = await client.presign("video.mp4")
    assert asked.keys() == {"upload_url", "upload_id", "expires_in"}
    assert asked["upload_url"].startswith(f"{stage.url}/")
    assert asked["expires_in"] == 3600
    head = {"upload_id": asked["upload_id"], "type": "video", "status": "processing"}
    assert await client.upload_status(asked["upload_id"]) == head
    early = await client.confirm(asked["upload_id"])
    assert early.status == 400
    put = await bare(stage, "PUT", asked["upload_url"], MP4)
    assert (put.status, put.raw) == (200, b"")
    assert await client.upload_status(asked["upload_id"]) == head
    confirmed = await client.confirm(asked["upload_id"])
    assert confirmed.status == 200
    assert confirmed.body == {"upload_id": asked["upload_id"], "url": confirmed["url"], "status": "ready"}
    assert (await client.confirm(asked["upload_id"])).body == confirmed.body
    assert (await bare(stage, "GET", confirmed["url"])).raw == MP4
    status = await client.upload_status(asked["upload_id"])
    assert (status["status"], status["url"], status["size_bytes"]) == ("ready", confirmed["url"], len(MP4))


@pytest.mark.parametrize(
    ("filename", "content"),
    [("a.PNG", PNG), ("a.b.jpeg", JPEG), (".gif", b"GIF89a" + bytes(50)), ("../../x.mov", MP4), ("ä \0.m4v", MP4)],
)
async def test_the_ending_of_the_name_says_what_may_be_put(stage: House, filename: str, content: bytes) -> None:
    client = revid(stage)
    asked = await client.presign(filename)
    wrong = MP4 if content is not MP4 else PNG
    refused = await bare(stage, "PUT", asked["upload_url"], wrong, Content_Type="image/png")
    assert refused.status == 400
    assert (await bare(stage, "PUT", asked["upload_url"], content)).status == 200
    assert (await client.confirm(asked["upload_id"])).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filename": ""},
        {"filename": "mp4"},
        {"filename": "a.txt"},
        {"filename": "a.mp4.exe"},
        {"filename": "a.mp4\n"},
        {"filename": "a" * 252 + ".mp4"},
        {"filename": 5},
        {"filename": None},
        {"filename": "a.mp4", "content_type": "image/png"},
        {"filename": "a.mp4", "content_type": 5},
        [],
    ],
)
async def test_r_rev_220_a_name_that_tells_nothing_is_refused(stage: House, body: Any) -> None:
    assert (await revid(stage).post(PATH, body)).status == 400


async def test_r_rev_185_audio_is_sent_to_the_ordinary_upload(stage: House) -> None:
    answer = await revid(stage).post(PATH, {"filename": "voice.MP3"})
    assert answer.status == 400
    assert "/v1/files/upload/audio" in answer["detail"]


async def test_r_rev_006_007_forms_and_unknown_fields(stage: House) -> None:
    client = revid(stage)
    answer = await client.form(PATH, ("filename", "a.mp4"), ("content_type", "video/mp4"), ("size", "5"))
    assert answer.status == 200
    assert "size" in answer.headers["X-Soundstage-Warning"]
    assert (await bare(stage, "PUT", answer["upload_url"], MP4)).status == 200
    assert (await client.form("/v1/files/upload/confirm", ("upload_id", answer["upload_id"]))).status == 200
    assert (await client.post(PATH, {"filename": "a.mp4", "content_type": None})).status == 200


@pytest.mark.parametrize("upload_id", ["up_000000000000000000000000", "x"])
async def test_an_unknown_upload_cannot_be_confirmed(stage: House, upload_id: str) -> None:
    assert (await revid(stage).confirm(upload_id)).status == 404


@pytest.mark.parametrize("body", [{}, {"upload_id": ""}, {"upload_id": None}, {"upload_id": ["up_1"]}])
async def test_a_confirm_names_one_upload(stage: House, body: Any) -> None:
    assert (await revid(stage).post("/v1/files/upload/confirm", body)).status == 400


async def test_another_account_cannot_confirm(stage: House) -> None:
    asked = await revid(stage).presign()
    await bare(stage, "PUT", asked["upload_url"], MP4)
    assert (await revid(stage, "sk_test_stranger").confirm(asked["upload_id"])).status == 404


async def test_an_address_takes_one_file(stage: House) -> None:
    client = revid(stage)
    asked = await client.presign()
    assert (await bare(stage, "PUT", asked["upload_url"], MP4)).status == 200
    assert (await bare(stage, "PUT", asked["upload_url"], MP4 + b"x")).status == 403
    url = (await client.confirm(asked["upload_id"]))["url"]
    assert (await bare(stage, "PUT", asked["upload_url"], MP4 + b"x")).status == 403
    assert (await bare(stage, "GET", url)).raw == MP4


async def test_of_files_that_come_at_once_one_is_taken(stage: House) -> None:
    client = revid(stage)
    asked = await client.presign()
    started = asyncio.Barrier(4)

    async def slowly(content: bytes) -> AsyncIterator[bytes]:
        yield content[:100]
        await started.wait()
        yield content[100:]

    contents = [MP4 + bytes([number]) for number in range(4)]
    answers = await asyncio.gather(*(bare(stage, "PUT", asked["upload_url"], slowly(one)) for one in contents))
    assert sorted(answer.status for answer in answers) == [200, 403, 403, 403]
    taken = contents[[answer.status for answer in answers].index(200)]
    assert (await bare(stage, "GET", (await client.confirm(asked["upload_id"]))["url"])).raw == taken


async def test_an_address_expires_after_an_hour(stage: House) -> None:
    client = revid(stage)
    late, in_time = await client.presign("a.mp4"), await client.presign("b.mp4")
    await stage.admin().advance(seconds=3599)
    assert (await bare(stage, "PUT", in_time["upload_url"], MP4)).status == 200
    await stage.admin().advance(seconds=1)
    assert (await bare(stage, "PUT", late["upload_url"], MP4)).status == 403
    assert (await client.confirm(late["upload_id"])).status == 400
    status = await client.upload_status(late["upload_id"])
    assert status["status"] == "failed"
    assert "expired" in status["error"]
    assert (await client.confirm(in_time["upload_id"])).status == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"hello", 400), (MP4, 400), (PNG + bytes(20_971_520), 413)],
    ids=["empty", "text", "video", "large"],
)
async def test_a_file_that_does_not_fit_leaves_the_address_as_it_was(stage: House, content: bytes, status: int) -> None:
    client = revid(stage)
    asked = await client.presign("a.png")
    assert (await bare(stage, "PUT", asked["upload_url"], content)).status == status
    assert (await bare(stage, "PUT", asked["upload_url"], PNG)).status == 200
    assert (await client.confirm(asked["upload_id"])).status == 200


async def test_a_file_without_an_announced_length_is_measured_as_it_comes(stage: House) -> None:
    asked = await revid(stage).presign("a.png")

    async def endless() -> AsyncIterator[bytes]:
        yield PNG
        for _ in range(400):
            yield bytes(65_536)

    async with stage.http.put(asked["upload_url"], data=endless()) as reply:
        assert reply.status == 413
    assert files_of(stage) == []


async def test_a_compressed_bomb_is_measured_unpacked(stage: House) -> None:
    asked = await revid(stage).presign("a.png")
    bomb = gzip.compress(PNG + bytes(21_000_000))
    answer = await bare(stage, "PUT", asked["upload_url"], bomb, Content_Encoding="gzip")
    assert answer.status == 413
    damaged = await bare(stage, "PUT", asked["upload_url"], b"no gzip at all", Content_Encoding="gzip")
    assert damaged.status == 400


async def _begin(house: House, url: str, announced: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin a PUT by hand and send a part of the file."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {announced}\r\n\r\n"
    writer.write(head.encode() + MP4[:200])
    await writer.drain()
    async with asyncio.timeout(5):
        while not files_of(house):
            await bare(house, "GET", f"{house.url}/health")
    return reader, writer


async def test_a_put_that_breaks_off_leaves_nothing_and_the_address_as_it_was(stage: House) -> None:
    client = revid(stage)
    asked = await client.presign()
    _, writer = await _begin(stage, asked["upload_url"], len(MP4))
    assert [path.suffix for path in files_of(stage)] == [".part"]
    writer.close()
    async with asyncio.timeout(5):
        while files_of(stage):
            await bare(stage, "GET", f"{stage.url}/health")
    assert (await client.confirm(asked["upload_id"])).status == 400
    assert (await bare(stage, "PUT", asked["upload_url"], MP4)).status == 200


@pytest.mark.parametrize("again", [False, True], ids=["forgotten", "presigned again"])
async def test_a_put_that_ends_after_a_reset_is_not_found(stage: House, again: bool) -> None:
    """After a reset the same request gets the same id; the old PUT must not land in the new upload."""
    client = revid(stage)
    asked = await client.presign()
    reader, writer = await _begin(stage, asked["upload_url"], len(MP4))
    await stage.admin().post("/reset", {"what": "state"})
    if again:
        assert (await client.presign()) == asked
    writer.write(MP4[200:])
    line = await reader.readline()
    assert b" 404 " in line
    writer.close()
    if again:
        assert (await client.confirm(asked["upload_id"])).status == 400
        assert (await bare(stage, "PUT", asked["upload_url"], MP4)).status == 200
        assert (await client.confirm(asked["upload_id"])).status == 200


async def test_a_client_that_waits_to_be_told_to_go_on_is_told(stage: House) -> None:
    asked = await revid(stage).presign()
    async with stage.http.put(asked["upload_url"], data=MP4, expect100=True) as reply:
        assert reply.status == 200


async def test_an_address_cannot_be_guessed_or_used_otherwise(stage: House) -> None:
    client = revid(stage)
    asked = await client.presign()
    url = asked["upload_url"]
    stem, token = url.rsplit("/", 1)
    for wrong in (f"{stem}/{'0' * len(token)}", stem, f"{url}/x", f"{stage.url}/upload/", f"{stage.url}/upload/a/b/c"):
        assert (await bare(stage, "PUT", wrong, MP4)).status == 404, wrong
    other = url.replace(asked["upload_id"], "up_000000000000000000000000")
    assert (await bare(stage, "PUT", other, MP4)).status == 404
    for method in ("GET", "POST", "DELETE"):
        answer = await bare(stage, method, url)
        assert (answer.status, answer.headers["Allow"]) == (405, "PUT")
    assert (await bare(stage, "PUT", url, MP4)).status == 200


async def test_an_upload_that_needs_no_confirm_may_be_confirmed(stage: House) -> None:
    client = revid(stage)
    body = await client.uploaded("image", PNG)
    answer = await client.confirm(body["upload_id"])
    assert (answer.status, answer["url"]) == (200, body["url"])


async def test_a_disk_that_is_full_is_said_to_be(stage: House) -> None:
    stage.stage.blobs._most_bytes = 100
    asked = await revid(stage).presign()
    answer = await bare(stage, "PUT", asked["upload_url"], MP4)
    assert answer.status == 507
    assert b"together" in answer.raw
    assert files_of(stage) == []
