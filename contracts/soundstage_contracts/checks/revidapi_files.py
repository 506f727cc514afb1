"""RevidAPI's uploads: images and videos at once, sounds measured first, presigned ones put, others fetched."""

from __future__ import annotations

from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.revidapi_requests import (
    ONLY,
)
from soundstage_contracts.drivers.revidapi import PICTURE
from soundstage_contracts.drivers.samples import (
    FILES,
    MP4,
    PNG,
    landed,
    status_of,
    upload,
    wav,
)
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import NotTested, expect

_PRESIGN, _CONFIRM = "/v1/files/upload/presign", "/v1/files/upload/confirm"
_FETCH = "/v1/files/upload-url"


def _served(stage: Stage, url: str, content: bytes, media_type: str) -> None:
    """Expect a file behind an address; where a store may not work over what it keeps, of these bytes and this type."""
    file = stage.fetch(url)
    expect(file.status == 200, f"{url} answers {file.status}")
    if not stage.assumptions:
        return
    expect(file.body == content, f"{url} is {len(file.body)} other bytes than the {len(content)} that were sent")
    expect(file.media_type == media_type, f"{url} is {file.media_type!r}, and {media_type} was sent")


@promise("FILE-201", {ONLY: "R-REV-019 R-REV-020 R-REV-180 R-REV-184"}, each=("image", "video"))
def images_and_videos_have_their_address_at_once(stage: Stage, kind: str) -> None:
    """An uploaded image or video has its `url` at once, where the same bytes are served, and a status that agrees."""
    account = stage.account()
    _, media_type, content = FILES[kind]
    body = stage.answered(upload(kind), account).object()
    expect(body["url"].startswith(("http://", "https://")), f"the url is {body['url']!r}")
    if not stage.assumptions:
        return
    _served(stage, body["url"], content, media_type)
    shown = (body["type"], body["status"], body["content_type"], body["size_bytes"])
    expect(shown == (kind, "ready", media_type, len(content)), f"the upload is told as {shown}")
    expect(stage.answered(status_of(body["upload_id"]), account).object() == body, "its status says something else")
    other = stage.answered(upload(kind), account).object()
    expect(other["upload_id"] != body["upload_id"], "two uploads have one id")


@promise("FILE-202", {ONLY: "R-REV-019 R-REV-020 R-REV-182 R-REV-184"})
def sounds_are_measured_first(stage: Stage) -> None:
    """An uploaded sound is `processing`, then `completed` with its audio_id, its duration and its costs."""
    account = stage.account()
    started = stage.answered(upload("audio"), account).object()
    expect(started["status"] == "processing", f"the upload begins as {started['status']!r}")
    expect(started["upload_id"].startswith("up_"), f"the upload_id is {started['upload_id']!r}")
    if stage.assumptions:
        first = stage.answered(status_of(started["upload_id"]), account).object()
        expect(first == {**started, "type": "audio"}, f"its status begins as {first}")
    body = landed(stage, started["upload_id"], account)
    expect(body["status"] == "completed", f"it ends as {body['status']!r}")
    expect(bool(body["audio_id"]) and bool(body["costs"]), f"it has no audio_id, or no costs: {body}")
    expect(abs(body["duration"] - 1.5) < 0.1, f"1.5 seconds of sound are said to be {body['duration']} s long")
    if stage.assumptions:
        expect(body["upload_id"] == started["upload_id"] and body["type"] == "audio", f"it is told as {body}")
        expect(body["costs"] == {"720p": 10, "1080p": 20}, f"two started seconds cost {body['costs']}")
        _served(stage, body["url"], FILES["audio"][2], "audio/wav")


@promise("FILE-203", {ONLY: "R-REV-021 R-REV-183 R-REV-184 R-REV-185"}, each=("image", "video"))
def presigned_files_are_put_and_confirmed(stage: Stage, kind: str) -> None:
    """Presign, PUT and confirm bring an image or a video: `upload_id` like up_..., then `url` and `ready`."""
    account = stage.account()
    name, media_type, content = FILES[kind]
    given = stage.answered(Request.json(_PRESIGN, {"filename": name}), account).object()
    expect(given["upload_id"].startswith("up_"), f"the upload_id is {given['upload_id']!r}")
    confirm = Request.json(_CONFIRM, {"upload_id": given["upload_id"]})
    if stage.assumptions:
        _waits(stage, account, given, confirm, kind)
    put = stage.put(given["upload_url"], content, media_type)
    expect(200 <= put.status < 300, f"the PUT answers {put.status}")
    if stage.assumptions:
        waiting = stage.answered(status_of(given["upload_id"]), account).field("status")
        expect(waiting == "processing", f"before the confirm it should be processing, and is {waiting!r}")
    done = stage.answered(confirm, account).object()
    expect(done["status"] == "ready", f"the confirmed upload is {done['status']!r}")
    _served(stage, done["url"], content, media_type)
    if stage.assumptions:
        expect(done["upload_id"] == given["upload_id"], "the confirm is of another upload")
        shown = stage.answered(status_of(given["upload_id"]), account).object()
        right = {**done, "type": kind, "content_type": media_type, "size_bytes": len(content)}
        expect({**shown, **right} == shown, f"its status should say {right}, and says {shown}")
        expect(stage.answered(confirm, account).object() == done, "a second confirm says something else")
        again = stage.put(given["upload_url"], content, media_type).status
        expect(again >= 400, f"a second PUT answers {again}")


def _waits(stage: Stage, account: Account, given: dict[str, Any], confirm: Request, kind: str) -> None:
    expect(given["expires_in"] == 3600, f"it expires in {given['expires_in']} s")
    waiting = stage.answered(status_of(given["upload_id"]), account).object()
    right = {"upload_id": given["upload_id"], "type": kind, "status": "processing"}
    expect(waiting == right, f"before the PUT its status is {waiting}")
    stage.refused(confirm, "invalid", account)


@promise("FILE-204", {ONLY: "R-REV-022 R-REV-186 R-REV-020"}, each=("video", "image", "audio"))
def files_are_fetched_from_an_address(stage: Stage, kind: str) -> None:
    """POST /files/upload-url is `processing`, then `completed`, with the fetched file under an address of its own."""
    if kind != "video" and not stage.assumptions:
        raise NotTested("the one type of upload-url that a document has is video (R-REV-186)")
    account = stage.account()
    body = stage.answered(upload(kind), account).object()
    source = landed(stage, body["upload_id"], account)["url"] if kind == "audio" else body["url"]
    started = stage.answered(Request.json(_FETCH, {"url": source, "type": kind}), account).object()
    expect(started["status"] == "processing", f"it begins as {started['status']!r}")
    if stage.assumptions:
        first = stage.answered(status_of(started["upload_id"]), account).object()
        expect(first == {**started, "type": kind}, f"its status begins as {first}")
    done = landed(stage, started["upload_id"], account)
    expect(done["status"] == "completed", f"it ends as {done['status']!r}")
    _, media_type, content = FILES[kind]
    _served(stage, done["url"], content, media_type)
    if stage.assumptions:
        expect((done["upload_id"], done["type"]) == (started["upload_id"], kind), f"it is told as {done}")
        if kind != "audio":
            told = (done["content_type"], done["size_bytes"])
            expect(told == (media_type, len(content)), f"it is told as {told}")


@promise("FILE-205", assumed={ONLY: "limits and formats of files are unpublished (R-REV-188)"})
def files_that_do_not_fit_are_refused(stage: Stage) -> None:
    """A file of another kind, an empty one, none, one in another field, a field without a file: all are refused."""
    account = stage.account()
    for kind, content in (
        ("image", b""),
        ("image", b"hello"),
        ("image", MP4),
        ("image", wav(0.1)),
        ("video", PNG),
        ("video", b""),
        ("audio", PNG),
        ("audio", b""),
    ):
        stage.refused(upload(kind, content), "invalid", account)
    for kind in FILES:
        path = f"/v1/files/upload/{kind}"
        stage.refused(Request.multipart(path, [("other", "text")], ()), "invalid", account)
        stage.refused(Request.multipart(path, [("file", "text")], ()), "invalid", account)
        stage.refused(Request.multipart(path, (), [("picture", *FILES[kind])]), "invalid", account)
        stage.refused(Request.json(path, {"file": "text"}), "media_type", account)


@promise("FILE-206", assumed={ONLY: "which names and addresses are refused is unpublished"})
def bad_presigns_and_addresses_are_refused(stage: Stage) -> None:
    """Presign takes names of images and videos only, upload-url web addresses with a type, confirm a known upload."""
    account = stage.account()
    for filename in ("sound.mp3", "sound.wav", "noending", "a.exe", "", 7, "a" * 300 + ".png"):
        stage.refused(Request.json(_PRESIGN, {"filename": filename}), "invalid", account)
    stage.refused(Request.json(_PRESIGN, {}), "invalid", account)
    for body in (
        {"url": PICTURE},
        {"type": "image"},
        {"url": PICTURE, "type": "text"},
        {"url": "ftp://media.example.com/a.png", "type": "image"},
        {"url": "a.png", "type": "image"},
    ):
        stage.refused(Request.json(_FETCH, body), "invalid", account)
    stage.refused(Request.json(_CONFIRM, {}), "invalid", account)
    stage.refused(Request.json(_CONFIRM, {"upload_id": "up_nothing"}), "not_found", account)
    stage.refused(status_of("up_nothing"), "not_found", account)


@promise("FILE-207", assumed={ONLY: "whose an upload is, is unpublished (R-REV-108 speaks of jobs)"})
def uploads_are_their_owners_only(stage: Stage) -> None:
    """An upload of another user is not found, can be neither confirmed nor spoken; the user's other keys see it."""
    account = stage.account()
    stranger = stage.account(beside=account)
    friend = stage.account(beside=account, same_user=True)
    image = stage.answered(upload("image"), account).object()
    sound = landed(stage, stage.answered(upload("audio"), account).field("upload_id"), account)
    given = stage.answered(Request.json(_PRESIGN, {"filename": "a.png"}), account).object()
    stage.put(given["upload_url"], PNG, "image/png")
    stage.refused(status_of(image["upload_id"]), "not_found", stranger)
    stage.refused(Request.json(_CONFIRM, {"upload_id": given["upload_id"]}), "not_found", stranger)
    spoken = Request.json("/v1/kol-ai/generate", {"audio_id": sound["audio_id"], "image_url": PICTURE})
    stage.refused(spoken, "invalid", stranger)
    expect(stage.answered(status_of(image["upload_id"]), friend).object() == image, "the user's other key sees another")
    stage.answered(spoken, friend)


@promise("FILE-208", assumed={ONLY: "that a sound must be completed, how long it may be, when a presign expires"})
def unfinished_uploads_cannot_be_used(stage: Stage) -> None:
    """A sound that is still processing, or failed, makes no job; an upload_url that expired takes no file."""
    account = stage.account()
    sound = stage.answered(upload("audio"), account).field("upload_id")
    early = {"audio_id": sound.replace("up_", "aud_"), "image_url": PICTURE}
    stage.refused(Request.json("/v1/kol-ai/generate", early), "invalid", account)
    landed(stage, sound, account)
    stage.answered(Request.json("/v1/kol-ai/generate", early), account)
    long = stage.answered(upload("audio", wav(301, rate=100)), account).field("upload_id")
    body = landed(stage, long, account)
    expect(body["status"] == "failed" and bool(body["error"]), f"a sound of 301 s ends as {body}")
    given = stage.answered(Request.json(_PRESIGN, {"filename": "a.png"}), account).object()
    stage.pass_seconds(3601, account)
    late = stage.put(given["upload_url"], PNG, "image/png").status
    expect(late >= 400, f"a PUT after an hour answers {late}")
    ended = stage.answered(status_of(given["upload_id"]), account).object()
    expect(ended["status"] == "failed", f"an upload that never came ends as {ended}")
