"""API-Key's task fields: the documented bodies, three input modes, OpenAI's names, forms, and what is not on offer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.apikeyorg_errors import denied, everything_paid
from soundstage_contracts.checks.apikeyorg_estimate import CLIP, PICTURE, estimated
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.apikeyorg import CREATES
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

VIDEO: Mapping[str, Any] = {"model": "seedance-2", "prompt": "A paper boat on a mountain lake", "duration": 4}
FAST: Mapping[str, Any] = {**VIDEO, "model": "seedance-2-fast"}
PNG, MP4 = b"\x89PNG\r\n\x1a\n" + bytes(40), b"\0\0\0\x18ftypmp42" + bytes(40)
DATA = "data:image/png;base64,iVBORw0KGgo="
FORM = "application/x-www-form-urlencoded"
BODIES: Mapping[str, dict[str, Any]] = {
    "seedance-2": {},
    "seedance-2-fast": {"duration": 6, "resolution": "720p"},
}
NAMES = {"apikeyorg": "the names of all fields but those of the documented bodies"}


def held_by(stage: Stage, request: Request, account: Account | None = None) -> Decimal:
    """Send a create that must succeed and return what its task holds, in an account of its own."""
    who = account or stage.account()
    reply = stage.answered(request, who)
    expect(reply.field("status") == "pending", "a task begins as pending")
    return stage.books(who).held


@promise("FIELD-401", {"apikeyorg": "R-KEY-025 R-KEY-033 R-KEY-040 R-KEY-041 R-KEY-047"}, each=tuple(BODIES))
def documented_bodies(stage: Stage, case: str) -> None:
    """The documented bodies for a video make a task, with a callback_url and a budget of 250."""
    prompt = "A cinematic product launch video with smooth camera motion"
    address = {} if stage.target.receiver is None else {"callback_url": stage.mailbox().url}
    body = {"model": case, "prompt": prompt, **BODIES[case], "max_credits": 250, **address}
    reply = stage.answered(Request.json("/v1/videos", body))
    expect(reply.field("object") == "gateway.video.task", f"a video task is no {reply.field('object')}")
    expect(reply.field("task_id") == reply.field("id"), "task_id and id differ")


MODES: Mapping[str, tuple[dict[str, Any], str]] = {
    "no reference": ({}, "text-to-video"),
    "text-to-video by name": ({"input_mode": "text-to-video", "images": [], "videos": None}, "text-to-video"),
    "an image": ({"images": [PICTURE]}, "image-to-video"),
    "four images": ({"images": [PICTURE, DATA, PICTURE, "http://media.example.com/b"]}, "image-to-video"),
    "an image without a prompt": ({"images": [PICTURE], "prompt": None}, "image-to-video"),
    "image-to-video by name": ({"images": [PICTURE], "input_mode": "image-to-video"}, "image-to-video"),
    "a video": ({"videos": [CLIP]}, "video-to-video"),
    "video-to-video by name": ({"videos": [CLIP], "input_mode": "video-to-video", "prompt": None}, "video-to-video"),
}


@promise("FIELD-402", {"apikeyorg": "R-KEY-025 R-KEY-037"}, assumed=NAMES, each=tuple(MODES))
def input_modes(stage: Stage, case: str) -> None:
    """References decide a video's input mode, and its task is reserved at that mode's estimate."""
    fields, mode = MODES[case]
    cost = estimated(stage, model="seedance-2", duration=4, input_mode=mode)
    held = held_by(stage, Request.json("/v1/videos", {**VIDEO, **fields}))
    expect(held == cost, f"{mode} is estimated at {cost}, and the task holds {held}")


MISFITS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "no prompt": ("/v1/videos", {"prompt": None}, "prompt"),
    "an empty prompt": ("/v1/videos", {"prompt": ""}, "prompt"),
    "a long prompt": ("/v1/videos", {"prompt": "x" * 5001}, "prompt"),
    "a number for a prompt": ("/v1/videos", {"prompt": 5}, "prompt"),
    "no model": ("/v1/videos", {"model": None}, "model"),
    "an image model": ("/v1/videos", {"model": "seedream-4"}, "model"),
    "too short": ("/v1/videos", {"duration": 3}, "duration"),
    "too long": ("/v1/videos", {"duration": 16}, "duration"),
    "a text for seconds": ("/v1/videos", {"duration": "4"}, "duration"),
    "a resolution of no model": ("/v1/videos", {"resolution": "719p"}, "resolution"),
    "a resolution of another model": ("/v1/videos", {**FAST, "resolution": "1080p"}, "resolution"),
    "a ratio of no model": ("/v1/videos", {"aspect_ratio": "5:4"}, "aspect_ratio"),
    "a mode that needs an image": ("/v1/videos", {"input_mode": "image-to-video"}, "input_mode"),
    "a mode that needs a video": ("/v1/videos", {"input_mode": "video-to-video", "images": [PICTURE]}, "input_mode"),
    "a mode that takes no image": ("/v1/videos", {"input_mode": "text-to-video", "images": [PICTURE]}, "input_mode"),
    "five images": ("/v1/videos", {"images": [PICTURE] * 5}, "images"),
    "two videos": ("/v1/videos", {"videos": [CLIP] * 2}, "videos"),
    "a budget in text": ("/v1/videos", {"max_credits": "250"}, "max_credits"),
    "a negative budget": ("/v1/videos", {"max_credits": -1}, "max_credits"),
    "an image without a prompt": ("/v1/images/generations", {"prompt": None}, "prompt"),
    "an image by a video model": ("/v1/images/generations", {"model": "seedance-2"}, "model"),
    "no images": ("/v1/images/generations", {"n": 0}, "n"),
    "five images at once": ("/v1/images/generations", {"n": 5}, "n"),
    "another model's 4k": ("/v1/images/generations", {"model": "flux-2-pro", "resolution": "4k"}, "resolution"),
    "nine references": ("/v1/images/generations", {"images": [PICTURE] * 9}, "images"),
    "music without a prompt": ("/v1/music/generations", {"prompt": None}, "prompt"),
    "music by a chat model": ("/v1/music/generations", {"model": "gpt-5"}, "model"),
    "too short music": ("/v1/music/generations", {"duration": 9}, "duration"),
    "too long music": ("/v1/music/generations", {"model": "lyria-3", "duration": 121}, "duration"),
    "long lyrics": ("/v1/music/generations", {"lyrics": "x" * 5001}, "lyrics"),
    "instrumental in text": ("/v1/music/generations", {"instrumental": "yes"}, "instrumental"),
}


@promise(
    "FIELD-403",
    {"apikeyorg": "R-KEY-024 R-KEY-025 R-KEY-026 R-KEY-037"},
    assumed={"apikeyorg": "limits, and that what is not on offer is refused"},
    each=tuple(MISFITS),
)
def misfits(stage: Stage, case: str) -> None:
    """A task with a value that is not on offer is refused, makes nothing, and the refusal names the field."""
    path, fields, param = MISFITS[case]
    base = VIDEO if path == "/v1/videos" else everything_paid(stage)[path].value()
    denied(stage, Request.json(path, {**base, **fields}), "invalid", param)


@promise("FIELD-404", {"apikeyorg": "R-KEY-042"}, assumed={"apikeyorg": "nulls; what a Soundstage warns of"})
def left_out(stage: Stage) -> None:
    """Null means left out; unknown fields leave the reply as it is, and a Soundstage names those that it ignored."""
    optional = "images n resolution aspect_ratio size lyrics instrumental input_mode videos seconds"
    for path, kind in CREATES.items():
        bare = everything_paid(stage)[path].value()
        cost = held_by(stage, Request.json(path, bare))
        odd = {"fps": 30, "max_credit": 0, "Duration": 99, "x": {"y": [None]}}
        reply = stage.answered(Request.json(path, {**bare, **odd}))
        expect(set(reply.object()) == {"task_id", "id", "object", "status"}, "unknown fields changed the reply")
        _warned(stage, reply, odd)
        nulls = {name: None for name in optional.split() if name not in bare}
        expect(held_by(stage, Request.json(path, {**bare, **nulls})) == cost, f"nulls changed the price of a {kind}")


def _warned(stage: Stage, reply: Reply, ignored: Mapping[str, Any]) -> None:
    if stage.adapter.name == "soundstage":
        warning = reply.header("x-soundstage-warning") or ""
        expect(all(name in warning for name in ignored), f"the warning should name {set(ignored)}, not {warning!r}")


OPENAI: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "seconds in digits": ({"seconds": "6"}, {"duration": 6}),
    "seconds as a number": ({"seconds": 6}, {"duration": 6}),
    "size in 720p": ({"duration": 5, "size": "1280x720"}, {"duration": 5, "resolution": "720p"}),
    "size upright": ({"duration": 5, "size": "720x1280"}, {"duration": 5, "resolution": "720p"}),
    "size in 1080p": ({"duration": 5, "size": "1920x1080"}, {"duration": 5, "resolution": "1080p"}),
    "size in 480p": ({"duration": 5, "size": "640x480"}, {"duration": 5, "resolution": "480p"}),
}
CLASHES: Mapping[str, dict[str, Any]] = {
    "duration and seconds": {"duration": 6, "seconds": "6"},
    "size and resolution": {"size": "1280x720", "resolution": "720p"},
    "size and ratio": {"size": "1280x720", "aspect_ratio": "16:9"},
    "images and videos": {"images": [PICTURE], "videos": [CLIP]},
}


@promise("FIELD-405", {"apikeyorg": "R-KEY-025"}, assumed=NAMES, each=(*OPENAI, *CLASHES))
def openai_names(stage: Stage, case: str) -> None:
    """OpenAI's seconds and size mean duration and resolution, and two names of one thing in a body are refused."""
    bare = {"model": "seedance-2", "prompt": VIDEO["prompt"]}
    if case in CLASHES:
        stage.refused(Request.json("/v1/videos", {**bare, **CLASHES[case]}), "invalid")
        return
    fields, same = OPENAI[case]
    cost = estimated(stage, model="seedance-2", **same)
    held = held_by(stage, Request.json("/v1/videos", {**bare, **fields}))
    expect(held == cost, f"{same} is estimated at {cost}, and {fields} holds {held}")


@promise("FIELD-406", {"apikeyorg": "R-KEY-025"}, assumed={"apikeyorg": "forms (decision D8)"})
def forms(stage: Stage) -> None:
    """A video's body in JSON, as multipart and as urlencoded form is one task at one price, budget and all."""
    fields = {"model": "seedance-2", "prompt": str(VIDEO["prompt"]), "seconds": "6", "size": "1280x720"}
    cost = estimated(stage, model="seedance-2", duration=6, resolution="720p")
    for most, held in (("1000", cost), (f"{cost}", cost), (f"{cost - 1}", None)):
        given = {**fields, "max_credits": most}
        for request in (
            Request.multipart("/v1/videos", given.items(), ()),
            Request.raw("/v1/videos", urlencode(given).encode(), FORM),
            Request.json("/v1/videos", {**fields, "max_credits": float(most)}),
        ):
            if held is None:
                denied(stage, request, "over_budget", "max_credits")
            else:
                expect(held_by(stage, request) == held, f"the form should hold {held}")


UPLOADS: Mapping[str, tuple[bytes, str, str]] = {
    "a picture": (PNG, "image/png", "image-to-video"),
    "a clip": (MP4, "video/mp4", "video-to-video"),
    "a clip of another name": (MP4, "image/png", "video-to-video"),
    "no picture": (b"hello", "image/png", ""),
    "nothing": (b"", "image/png", ""),
}


@promise("FIELD-407", {"apikeyorg": "R-KEY-025"}, assumed={"apikeyorg": "files (D8)"}, each=tuple(UPLOADS))
def uploads(stage: Stage, case: str) -> None:
    """A file in a video's form decides the input mode by its bytes; one that is neither image nor video is refused."""
    raw, told, mode = UPLOADS[case]
    fields = {name: str(value) for name, value in VIDEO.items()}
    request = Request.multipart("/v1/videos", fields.items(), [("input_reference", "reference", told, raw)])
    if not mode:
        denied(stage, request, "invalid", "input_reference")
        return
    cost = estimated(stage, model="seedance-2", duration=4, input_mode=mode)
    held = held_by(stage, request)
    expect(held == cost, f"{mode} is estimated at {cost}, and the form holds {held}")


@promise("FIELD-408", {"apikeyorg": "R-KEY-024 R-KEY-026"}, assumed={"apikeyorg": "only videos read forms"})
def only_json(stage: Stage) -> None:
    """Images, music, chat and embeddings read JSON only: a form or plain text is refused as another media type."""
    for path, request in everything_paid(stage).items():
        for media in ("text/plain", FORM, "multipart/form-data; boundary=edge"):
            if path != "/v1/videos" or media == "text/plain":
                stage.refused(Request.raw(path, request.body, media), "media_type")
