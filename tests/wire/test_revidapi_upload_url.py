"""RevidAPI's uploads from an address: fetched in the background, never from where it may not be (R-REV-022, 186)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from conftest import OpenStage
from soundstage.edge import uploads as edge_uploads
from support import sounds
from support.client import House
from support.revid_files import MP4, PNG, Revid, Source, bare, revid

FILES = {
    "/a.mp4": MP4,
    "/there.mp4": MP4,
    "/a.png": PNG,
    "/a.wav": sounds.wav(2.5),
    "/long.wav": sounds.wav(301),
    "/empty": b"",
    "/page.html": b"<html>hello</html>",
    "/large.png": PNG + bytes(20_971_520),
}


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    """Return a server of files on loopback."""
    async with Source(FILES) as made:
        yield made


async def landed(stage: House, client: Revid, url: str, kind: str = "video") -> Any:
    """Have a file fetched, wait for it, and return its status."""
    answer = await client.fetch(url, kind)
    assert answer.status == 200, answer.raw
    assert answer.body == {"upload_id": answer["upload_id"], "status": "processing"}
    await stage.admin(client.key).advance()
    return await client.upload_status(answer["upload_id"])


@pytest.mark.parametrize(("name", "kind"), [("a.mp4", "video"), ("a.png", "image")])
async def test_r_rev_022_186_a_file_is_fetched_and_completed(
    stage: House, source: Source, name: str, kind: str
) -> None:
    body = await landed(stage, revid(stage), f"{source.url}/{name}", kind)
    assert (body["status"], body["type"]) == ("completed", kind)
    assert body["size_bytes"] == len(FILES[f"/{name}"])
    assert (await bare(stage, "GET", body["url"])).raw == FILES[f"/{name}"]
    assert source.asked == [f"/{name}"]


async def test_it_is_processing_until_then(stage: House, source: Source) -> None:
    client = revid(stage)
    upload_id = (await client.fetch(f"{source.url}/a.mp4"))["upload_id"]
    assert await client.upload_status(upload_id) == {"upload_id": upload_id, "type": "video", "status": "processing"}
    assert (await client.confirm(upload_id)).status == 400
    await stage.admin().advance()
    assert (await client.upload_status(upload_id))["status"] == "completed"


async def test_r_rev_182_a_sound_that_was_fetched_is_measured(stage: House, source: Source) -> None:
    body = await landed(stage, revid(stage), f"{source.url}/a.wav", "audio")
    assert (body["status"], body["duration"], body["costs"]) == ("completed", 2.5, {"720p": 15, "1080p": 30})


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("/none", "video", "404"),
        ("/away", "video", "302"),
        ("/empty", "image", "Empty file"),
        ("/page.html", "video", "no kind known"),
        ("/a.png", "video", "image/png"),
        ("/large.png", "image", "20971520"),
        ("/long.wav", "audio", "300 s"),
    ],
)
async def test_a_file_that_does_not_come_or_does_not_fit_fails(
    stage: House, source: Source, path: str, kind: str, said: str
) -> None:
    body = await landed(stage, revid(stage), f"{source.url}{path}", kind)
    assert (body.keys(), body["status"]) == ({"upload_id", "type", "status", "error"}, "failed")
    assert said in body["error"]
    assert source.asked == [path]


async def test_redirects_are_not_followed(stage: House, source: Source) -> None:
    await landed(stage, revid(stage), f"{source.url}/away")
    assert source.asked == ["/away"]


async def test_nobody_there_fails(stage: House, source: Source) -> None:
    async with Source({}) as gone:
        url = gone.url
    body = await landed(stage, revid(stage), f"{url}/a.mp4")
    assert body["status"] == "failed"


async def test_a_source_is_asked_as_what_we_are(stage: House, source: Source) -> None:
    """Nothing of the caller's key goes there, and what comes is asked for uncompressed."""
    await landed(stage, revid(stage), f"{source.url}/a.mp4")
    headers = source.headers[0]
    assert headers["User-Agent"].startswith("Soundstage/")
    assert headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in headers
    assert "Cookie" not in headers


@pytest.mark.parametrize(("kind", "ending"), [("video", ".mp4"), ("image", ".png"), ("audio", ".wav")])
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_r_rev_186_a_public_host_yields_a_sample_and_a_warning(
    stage: House, kind: str, ending: str, scheme: str
) -> None:
    client = revid(stage)
    answer = await client.fetch(f"{scheme}://cdn.example.com/some/file", kind)
    assert "--allow-egress" in answer.headers["X-Soundstage-Warning"]
    await stage.admin().advance()
    body = await client.upload_status(answer["upload_id"])
    assert body["status"] == "completed"
    assert body["url"].endswith(ending)
    assert (await bare(stage, "GET", body["url"])).status == 200


async def test_a_host_of_this_machine_gives_no_warning(stage: House, source: Source) -> None:
    answer = await revid(stage).fetch(f"{source.url}/a.mp4")
    assert "X-Soundstage-Warning" not in answer.headers
    await stage.admin().advance()


@pytest.mark.parametrize("allow_egress", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/a.mp4",
        "http://[fe80::1]/a.mp4",
        "http://metadata.google.internal/a.mp4",
        "http://0.0.0.0/a.mp4",
        "http://2130706433/a.mp4",
        "http://127.1/a.mp4",
        "http://user:pass@127.0.0.1/a.mp4",
        "http://224.0.0.1/a.mp4",
        "http://100.100.100.200/a.mp4",
    ],
)
async def test_what_may_never_be_contacted_fails(open_stage: OpenStage, url: str, *, allow_egress: bool) -> None:
    house = await open_stage(allow_egress=allow_egress)
    body = await landed(house, revid(house), url)
    assert body["status"] == "failed"
    assert len(body["error"]) > 10


async def test_this_server_s_own_admin_api_gives_nothing_away(stage: House) -> None:
    body = await landed(stage, revid(stage), f"{stage.url}/__admin/keys")
    assert (body["status"], body["error"]) == ("failed", "the source answered 403")


async def test_a_source_that_hangs_keeps_nobody_waiting(stage: House, source: Source) -> None:
    client = revid(stage)
    hanging = (await client.fetch(f"{source.url}/hang"))["upload_id"]
    await stage.admin().post("/clock/advance", {"seconds": 1, "wait": "none"})
    async with asyncio.timeout(5):
        await source.hanging.wait()
        other = (await client.fetch(f"{source.url}/a.mp4"))["upload_id"]
        while (await client.upload_status(other))["status"] != "completed":
            await stage.admin().post("/clock/advance", {"seconds": 5, "wait": "none"})
    assert (await client.upload_status(hanging))["status"] == "processing"


async def test_a_source_that_hangs_is_given_up(stage: House, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    assert edge_uploads.FETCH_SECONDS == 30
    monkeypatch.setattr(edge_uploads, "FETCH_SECONDS", 0.2)
    body = await landed(stage, revid(stage), f"{source.url}/hang")
    assert (body["status"], body["error"]) == ("failed", "the source did not answer within 0.2 s")
    assert [path for path in _files(stage) if path.suffix == ".part"] == []


@pytest.mark.parametrize("what", ["state", "all"])
async def test_a_fetch_that_is_under_way_ends_with_a_reset(stage: House, source: Source, what: str) -> None:
    client = revid(stage)
    upload_id = (await client.fetch(f"{source.url}/hang"))["upload_id"]
    await stage.admin().post("/clock/advance", {"seconds": 1, "wait": "none"})
    async with asyncio.timeout(5):
        await source.hanging.wait()
    await stage.admin().post("/reset", {"what": what})
    again = await client.presign()
    source.release.set()
    await stage.admin().advance()
    assert (await client.get(f"/v1/files/upload/{upload_id}/status")).status == 404
    assert (await client.upload_status(again["upload_id"]))["status"] == "processing"
    assert _files(stage) == []


def _files(house: House) -> list[Any]:
    from pathlib import Path

    folder = house.stage.blobs._folder
    return [] if folder is None else [path for path in Path(folder.name).rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "https://example.com/a.mp4"},
        {"type": "video"},
        {"url": "https://example.com/a.mp4", "type": "text"},
        {"url": "https://example.com/a.mp4", "type": None},
        {"url": "ftp://example.com/a.mp4", "type": "video"},
        {"url": "file:///etc/passwd", "type": "video"},
        {"url": "a.mp4", "type": "video"},
        {"url": "", "type": "video"},
        {"url": "https://example.com/" + "a" * 2048, "type": "video"},
        {"url": ["https://example.com/a.mp4"], "type": "video"},
        "x",
    ],
)
async def test_r_rev_220_a_request_that_names_no_file_is_refused(stage: House, body: Any) -> None:
    assert (await revid(stage).post("/v1/files/upload-url", body)).status == 400


async def test_r_rev_006_007_forms_and_unknown_fields(stage: House, source: Source) -> None:
    answer = await revid(stage).form(
        "/v1/files/upload-url", ("url", f"{source.url}/a.mp4"), ("type", "video"), ("name", "x")
    )
    assert answer.status == 200
    assert "name" in answer.headers["X-Soundstage-Warning"]
    await stage.admin().advance()


async def test_the_same_requests_get_the_same_ids_again(
    open_stage: Callable[..., Awaitable[House]],
) -> None:
    seen = []
    for _ in range(2):
        client = revid(await open_stage())
        url = "https://example.com/a.mp4"
        seen.append([(await client.fetch(url, kind))["upload_id"] for kind in ("video", "video", "image")])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 3
