"""Result files: the URL of a finished task serves a playable clip, in parts if asked (design section 4)."""

from __future__ import annotations

import pytest

from support.client import Answer, House


async def finished(stage: House) -> str:
    """Return the URL of a finished task's clip."""
    client = stage.client()
    task = (await client.create())["taskId"]
    await stage.admin().advance()
    return str((await client.status(task))["output"]["videoUrl"])


async def fetch(stage: House, url: str, method: str = "GET", **headers: str) -> Answer:
    """Fetch a file without any key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with stage.http.request(method, url, headers=named) as reply:
        return Answer(reply.status, await reply.read(), reply.headers)


async def test_the_clip_is_an_mp4_under_this_servers_own_address(stage: House) -> None:
    url = await finished(stage)
    assert url.startswith(f"{stage.url}/cdn/")
    whole = await fetch(stage, url)
    assert whole.status == 200
    assert whole.raw[4:8] == b"ftyp"
    assert whole.headers["Content-Type"] == "video/mp4"
    head = await fetch(stage, url, "HEAD")
    assert (head.status, head.raw) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole.raw)
    assert head.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=4-7", 4, 8),
        ("bytes=100-", 100, None),
        ("bytes=-5", -5, None),
        ("bytes=5-999999999", 5, None),
    ],
)
async def test_a_range(stage: House, asked: str, first: int, last: int | None) -> None:
    url = await finished(stage)
    whole = (await fetch(stage, url)).raw
    part = await fetch(stage, url, Range=asked)
    assert (part.status, part.raw) == (206, whole[first:last])
    assert part.headers["Content-Range"].endswith(f"/{len(whole)}")


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_416(stage: House, asked: str) -> None:
    answer = await fetch(stage, await finished(stage), Range=asked)
    assert (answer.status, answer.raw) == (416, b"")
    assert answer.headers["Content-Range"].startswith("bytes */")


@pytest.mark.parametrize("asked", ["bytes=a-b", "bytes=5-1", "lines=0-1", "bytes=0-1,4-5", "bytes=" + "9" * 5000 + "-"])
async def test_a_range_that_makes_no_sense_is_ignored(stage: House, asked: str) -> None:
    assert (await fetch(stage, await finished(stage), Range=asked)).status == 200


async def test_a_file_one_has_is_not_sent_again(stage: House) -> None:
    url = await finished(stage)
    etag = (await fetch(stage, url)).headers["ETag"]
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = await fetch(stage, url, If_None_Match=known)
        assert (answer.status, answer.raw) == (304, b"")
    assert (await fetch(stage, url, If_None_Match='"x"')).status == 200
    assert (await fetch(stage, url, Range="bytes=0-1", If_Range='"x"')).status == 200


async def test_a_wrong_url_finds_nothing(stage: House) -> None:
    url = await finished(stage)
    stem = url.rsplit("/", 1)[0]
    wrong = [
        f"{stem}/{'0' * 32}.mp4",
        url.replace(".mp4", ".png"),
        f"{stage.url}/cdn/u_none/t/x.mp4",
        f"{stage.url}/cdn/",
    ]
    for one in wrong:
        assert (await fetch(stage, one)).status == 404, one
    assert (await fetch(stage, url, "POST")).status == 405


async def test_a_task_under_way_has_no_file_yet(stage: House) -> None:
    url = await finished(stage)
    await stage.admin().post("/reset", {"what": "state"})
    await stage.client().create()
    assert (await fetch(stage, url)).status == 404


async def test_the_public_base_url_is_what_replies_show(open_stage: object) -> None:
    house: House = await open_stage(public_base_url="https://stage.example/sim/")  # type: ignore[operator]
    assert (await finished(house)).startswith("https://stage.example/sim/cdn/")
