"""RevidAPI's uploads by form: what is kept, how it is shown, what is refused (R-REV-019, 020, 180..182, 187, 188)."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from conftest import OpenStage
from soundstage.providers.revidapi.files import MOST_BYTES
from support import sounds
from support.client import Answer, House
from support.forms import BOUNDARY, TYPE, URLENCODED, field, form, upload
from support.revid_files import JPEG, MP4, PNG, Revid, bare, revid

KINDS = {"image": PNG, "video": MP4}
WEBM = b"\x1aE\xdf\xa3" + bytes(100)
MOV = b"\0\0\0\x14ftypqt  " + bytes(100)


async def status_of(client: Revid, upload_id: str) -> Answer:
    return await client.get(f"/v1/files/upload/{upload_id}/status")


@pytest.mark.parametrize("kind", KINDS)
async def test_r_rev_019_180_181_an_image_or_video_has_its_address_at_once(stage: House, kind: str) -> None:
    """R-REV-020, 184: and a status that says the same."""
    client = revid(stage)
    body = await client.uploaded(kind, KINDS[kind])
    assert body.keys() == {"upload_id", "file_id", "url", "type", "status", "content_type", "size_bytes"}
    assert body["upload_id"].startswith("up_")
    assert len(body["upload_id"]) == 27
    assert body["file_id"] == body["upload_id"].replace("up_", "file_")
    assert (body["type"], body["status"], body["size_bytes"]) == (kind, "ready", len(KINDS[kind]))
    assert await client.upload_status(body["upload_id"]) == body
    assert (await bare(stage, "GET", body["url"])).raw == KINDS[kind]


async def test_an_upload_is_served_with_etag_in_parts_and_by_head(stage: House) -> None:
    content = JPEG + bytes(range(256)) * 4096
    url = (await revid(stage).uploaded("image", content))["url"]
    assert url.startswith(f"{stage.url}/cdn/")
    whole = await bare(stage, "GET", url)
    assert (whole.raw, whole.headers["Content-Type"]) == (content, "image/jpeg")
    head = await bare(stage, "HEAD", url)
    assert (head.status, head.raw, head.headers["Content-Length"]) == (200, b"", str(len(content)))
    for asked, first, last in (
        ("bytes=10-19", 10, 20),
        ("bytes=-5", -5, None),
        ("bytes=300000-700000", 300000, 700001),
    ):
        part = await bare(stage, "GET", url, Range=asked)
        assert (part.status, part.raw) == (206, content[first:last])
    etag = whole.headers["ETag"]
    same = await bare(stage, "GET", url, If_None_Match=etag)
    assert (same.status, same.raw) == (304, b"")
    assert (await bare(stage, "GET", url, Range="bytes=9999999-")).status == 416
    assert (await bare(stage, "POST", url)).status == 405
    assert (await bare(stage, "GET", url.replace(".jpg", ".png"))).status == 404
    assert (await bare(stage, "GET", f"{url[:-12]}{'0' * 8}.jpg")).status == 404


@pytest.mark.parametrize(
    ("content", "seconds", "ending"),
    [(sounds.wav(1.5), 1.5, "wav"), (sounds.ogg(12.5), 12.5, "ogg"), (sounds.mp3(100), 2.612, "mp3")],
    ids=["wav", "ogg", "mp3"],
)
async def test_r_rev_182_a_sound_is_measured_before_it_is_completed(
    stage: House, content: bytes, seconds: float, ending: str
) -> None:
    """R-REV-182, A-REV-29: 5 and 10 credits for each second that was begun."""
    client = revid(stage)
    started = await client.uploaded("audio", content)
    assert started == {"upload_id": started["upload_id"], "status": "processing"}
    waiting = await client.upload_status(started["upload_id"])
    assert waiting == {**started, "type": "audio"}
    await stage.admin().advance()
    done = await client.upload_status(started["upload_id"])
    assert (done["status"], done["duration"]) == ("completed", pytest.approx(seconds, abs=0.02))
    assert done["audio_id"] == started["upload_id"].replace("up_", "aud_")
    begun = -int(-seconds // 1)
    assert done["costs"] == {"720p": 5 * begun, "1080p": 10 * begun}
    assert done["url"].endswith(f".{ending}")
    assert (await bare(stage, "GET", done["url"])).raw == content


async def test_a_completed_sound_gives_a_job_its_price(stage: House) -> None:
    """R-REV-090, 091, 095, 182: what its status says a job costs is what it costs."""
    client = revid(stage)
    upload_id = (await client.uploaded("audio", sounds.wav(2.5)))["upload_id"]
    asked = {"audio_id": upload_id.replace("up_", "aud_"), "image_url": "https://example.com/face.png"}
    assert (await client.post("/v1/kol-ai/generate", asked)).status == 400
    await stage.admin().advance()
    costs = (await client.upload_status(upload_id))["costs"]
    for quality, cost in costs.items():
        answer = await client.post("/v1/kol-ai/generate", {**asked, "quality": quality})
        assert (answer.status, answer["cost"]) == (200, cost)


@pytest.mark.parametrize("content", [sounds.wav(301), b"ID3" + bytes(200)], ids=["too long", "of no length"])
async def test_a_sound_nobody_can_use_fails_and_costs_nothing(stage: House, content: bytes) -> None:
    client = revid(stage)
    upload_id = (await client.uploaded("audio", content))["upload_id"]
    assert (await client.upload_status(upload_id))["status"] == "processing"
    await stage.admin().advance()
    failed = await client.upload_status(upload_id)
    assert failed.keys() == {"upload_id", "type", "status", "error"}
    assert failed["status"] == "failed"
    asked = {"audio_id": upload_id.replace("up_", "aud_"), "image_url": "https://example.com/face.png"}
    assert (await client.post("/v1/kol-ai/generate", asked)).status == 400
    assert await stage.admin().balance() == 1000


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image", b""),
        ("image", b"hello"),
        ("image", MP4),
        ("image", sounds.wav(1)),
        ("image", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("video", PNG),
        ("video", b"\0\0\0\x20ftypM4A " + bytes(50)),
        ("audio", MP4),
        ("audio", b"%PDF-1.7"),
    ],
)
async def test_r_rev_188_220_a_file_of_another_kind_is_refused_by_its_bytes(
    stage: House, kind: str, content: bytes
) -> None:
    answer = await revid(stage).upload(kind, content)
    assert answer.status == 400
    assert content or answer["detail"] == "Empty file"


@pytest.mark.parametrize("content", [WEBM, MOV, MP4], ids=["webm", "mov", "mp4"])
async def test_every_kind_of_video_is_taken(stage: House, content: bytes) -> None:
    assert (await revid(stage).uploaded("video", content))["status"] == "ready"


@pytest.mark.parametrize("kind", ["image", "audio"])
async def test_r_rev_188_a_file_over_its_limit_is_too_large(stage: House, kind: str) -> None:
    start = PNG if kind == "image" else sounds.wav(0)
    answer = await revid(stage).upload(kind, start + bytes(20_971_520 - len(start) + 1))
    assert answer.status == 413
    assert "20971520" in answer["detail"]
    assert MOST_BYTES == {"image": 20_971_520, "video": 104_857_600, "audio": 20_971_520}


async def test_a_file_as_large_as_allowed_is_taken(stage: House) -> None:
    content = PNG + bytes(20_971_520 - len(PNG))
    assert (await revid(stage).uploaded("image", content))["size_bytes"] == 20_971_520


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"file": "x"}', "application/json", 415),
        (b"file=x", URLENCODED, 415),
        (b"x", "image/png", 415),
        (form(field("file", "text")), TYPE, 400),
        (form(field("other", "text")), TYPE, 400),
        (form(upload(PNG, name="file"), upload(PNG, name="file")), TYPE, 400),
        (form(upload(PNG, name="image")), TYPE, 400),
        (form(upload(PNG, name="file"), end=b""), TYPE, 400),
        (b"", TYPE, 400),
        (form(upload(PNG, name="file")), "multipart/form-data", 400),
    ],
)
async def test_r_rev_019_220_anything_but_one_file_in_a_form_is_refused(
    stage: House, body: bytes, content_type: str, status: int
) -> None:
    answer = await revid(stage).call(
        "POST", "/v1/files/upload/image", data=body, headers={"Content-Type": content_type}
    )
    assert answer.status == status, answer.raw


HOSTILE = ["../../../etc/passwd", "a\\..\\b.png", "x" * 3000, "&quot;", "nul.png", ".", "%00.png", "ä\u202e.png"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_the_name_of_a_file_changes_nothing(stage: House, name: str) -> None:
    body = form(upload(PNG, name="file", filename=name))
    answer = await revid(stage).call("POST", "/v1/files/upload/image", data=body, headers={"Content-Type": TYPE})
    assert answer.status == 200, answer.raw
    assert (await bare(stage, "GET", answer["url"])).raw == PNG
    assert BOUNDARY not in answer["url"]


async def test_r_rev_007_other_fields_are_ignored_and_named(stage: House) -> None:
    answer = await revid(stage).form("/v1/files/upload/image", ("file", PNG), ("folder", "x"))
    assert answer.status == 200
    assert "folder" in answer.headers["X-Soundstage-Warning"]


async def test_a_compressed_form_is_read_like_a_plain_one(stage: House) -> None:
    body = gzip.compress(form(upload(PNG, name="file")))
    headers = {"Content-Type": TYPE, "Content-Encoding": "gzip"}
    answer = await revid(stage).call("POST", "/v1/files/upload/image", data=body, headers=headers)
    assert answer.status == 200, answer.raw


async def test_r_rev_020_an_unknown_upload_is_not_found(stage: House) -> None:
    client = revid(stage)
    for upload_id in ("up_000000000000000000000000", "x", "..%2F..", "job_1"):
        answer = await status_of(client, upload_id)
        assert (answer.status, answer.body) == (404, {"detail": "Upload not found"})


async def test_an_upload_is_its_account_s_alone(stage: House) -> None:
    admin = stage.admin()
    for key, user in (("sk_test_one_one", "ada"), ("sk_test_one_two", "ada"), ("sk_test_two_one", "bob")):
        await admin.register("revidapi", key=key, user=user, universe="shared")
    upload_id = (await revid(stage, "sk_test_one_one").uploaded("image", PNG))["upload_id"]
    assert (await status_of(revid(stage, "sk_test_one_two"), upload_id)).status == 200
    assert (await status_of(revid(stage, "sk_test_two_one"), upload_id)).status == 404
    assert (await status_of(revid(stage, "sk_test_stranger"), upload_id)).status == 404


async def test_an_account_keeps_its_last_uploads(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from soundstage.providers.revidapi import uploads

    assert uploads.MOST_KEPT == 500
    monkeypatch.setattr(uploads, "MOST_KEPT", 2)
    client = revid(stage)
    ids = [(await client.uploaded("image", PNG + bytes([number])))["upload_id"] for number in range(4)]
    assert [(await status_of(client, one)).status for one in ids] == [404, 404, 200, 200]


async def test_an_upload_is_gone_after_seven_days(stage: House) -> None:
    client = revid(stage)
    body = await client.uploaded("image", PNG)
    await stage.admin().advance(seconds=7 * 86_400 - 1)
    assert (await status_of(client, body["upload_id"])).status == 200
    await stage.admin().advance(seconds=1)
    assert (await status_of(client, body["upload_id"])).status == 404
    assert (await bare(stage, "GET", body["url"])).status == 404


@pytest.mark.parametrize("what", ["state", "all"])
async def test_a_reset_forgets_uploads_and_their_bytes(stage: House, what: str) -> None:
    client = revid(stage)
    body = await client.uploaded("image", PNG)
    await stage.admin().post("/reset", {"what": what})
    assert (await status_of(client, body["upload_id"])).status == 404
    assert (await bare(stage, "GET", body["url"])).status == 404
    again: Any = await client.uploaded("image", PNG)
    assert again == body


async def test_the_same_files_get_the_same_ids_again(open_stage: OpenStage) -> None:
    seen = []
    for _ in range(2):
        client = revid(await open_stage())
        seen.append([(await client.uploaded("image", one))["upload_id"] for one in (PNG, JPEG, PNG)])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 3
