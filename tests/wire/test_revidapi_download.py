"""RevidAPI's look behind links: six sites, free of charge, the same answer for the same link (R-REV-023, 190, 191)."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import OpenStage
from support.client import House
from support.revid_files import bare, revid

PATH = "/v1/download/extract"
LINKS = {
    "https://tiktok.com/@ada/video/7300000000000000000": "tiktok",
    "https://vm.tiktok.com/ZM1": "tiktok",
    "https://www.douyin.com/video/73": "douyin",
    "https://v.iesdouyin.com/a/": "douyin",
    "https://www.youtube.com/watch?v=a": "youtube",
    "https://youtu.be/a": "youtube",
    "https://www.facebook.com/watch/?v=1": "facebook",
    "https://fb.watch/a/": "facebook",
    "https://www.instagram.com/reel/a/": "instagram",
    "https://x.com/ada/status/1": "twitter",
    "https://mobile.twitter.com/ada/status/1": "twitter",
    "http://tiktok.com:80": "tiktok",
    "https://x.com#a": "twitter",
}


@pytest.mark.parametrize(("url", "platform"), LINKS.items())
async def test_r_rev_023_191_every_site_is_known(stage: House, url: str, platform: str) -> None:
    answer = await revid(stage).post(PATH, {"url": url})
    assert answer.status == 200, answer.raw
    assert answer["platform"] == platform
    assert answer.body.keys() == {"platform", "title", "author", "duration", "thumbnail", "medias"}


@pytest.mark.parametrize(
    "url",
    [
        "https://vimeo.com/1",
        "https://example.com/tiktok.com",
        "https://nottiktok.com/a",
        "https://tiktok.com.example.com/a",
        "https://user@tiktok.com/a",
        "https://tiktok.com@example.com/a",
        "https://tiktok.comx/a",
        "https://example.com/?u=https://x.com/",
        "tiktok.com/@ada",
        "ftp://tiktok.com/a",
        "https://tiktok.com/" + "a" * 2048,
        "",
        5,
        None,
    ],
)
async def test_r_rev_220_other_hosts_are_refused(stage: House, url: Any) -> None:
    assert (await revid(stage).post(PATH, {"url": url})).status == 400


async def test_r_rev_190_it_costs_nothing_and_leaves_no_job(stage: House) -> None:
    client = revid(stage)
    for url in LINKS:
        await client.post(PATH, {"url": url})
    assert (await client.get("/v1/balance"))["balance"] == 1000
    assert (await client.get("/v1/dashboard/jobs"))["pagination"]["total"] == 0
    assert (await client.get("/v1/dashboard/credits"))["pagination"]["total"] == 1
    await stage.admin().sound()


async def test_what_is_found_can_be_downloaded(stage: House) -> None:
    body = (await revid(stage).post(PATH, {"url": "https://youtu.be/a"})).body
    urls = [body["thumbnail"], *(media["url"] for media in body["medias"])]
    types = []
    for url in urls:
        assert url.startswith(f"{stage.url}/cdn/")
        answer = await bare(stage, "GET", url)
        assert answer.status == 200
        types.append(answer.headers["Content-Type"])
        assert (await bare(stage, "GET", url.replace("/sample/", "/sample/0"))).status == 404
    assert types == ["image/png", "video/mp4", "audio/wav"]
    for media in body["medias"]:
        assert media["url"].partition("?")[0].endswith(f".{media['extension']}")


async def test_the_same_link_leads_to_the_same_answer(open_stage: OpenStage) -> None:
    seen = []
    for _ in range(2):
        house = await open_stage(public_base_url="https://stage.example")
        seen.append([(await revid(house).post(PATH, {"url": url})).body for url in [*LINKS, *LINKS]])
    assert seen[0] == seen[1]
    assert seen[0][: len(LINKS)] == seen[0][len(LINKS) :]
    assert len({(body["title"], body["duration"]) for body in seen[0]}) > 5
    assert seen[0][0]["author"] == "ada"


async def test_r_rev_006_007_forms_and_unknown_fields(stage: House) -> None:
    answer = await revid(stage).form(PATH, ("url", "https://youtu.be/a"), ("quality", "hd"))
    assert answer.status == 200
    assert "quality" in answer.headers["X-Soundstage-Warning"]
    assert (await revid(stage).post(PATH, {})).status == 400
