"""RevidAPI's references: images, clips and sounds that a job starts from, by address or as a file."""

from __future__ import annotations

from soundstage_contracts.checks.revidapi_requests import (
    ONLY,
    cost,
    fields,
    form,
    job,
    made,
    roomy,
)
from soundstage_contracts.drivers.revidapi import CLIP, PICTURE
from soundstage_contracts.drivers.samples import PNG, upload
from soundstage_contracts.oracles.revidapi import MODELS, PATHS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import expect

SOUND = "https://media.example.com/a.mp3"


_IMAGES = tuple(name for name, model in MODELS.items() if model.path == PATHS["image"])


@promise("FIELD-206", {ONLY: "R-REV-042"}, assumed={ONLY: "which image models start from images"}, each=_IMAGES)
def images_start_from_images(stage: Stage, model: str) -> None:
    """An image job starts from `img_url` or from a file in `input_image`."""
    account = roomy(stage)
    made(stage, job(model, img_url=PICTURE), account)
    file = ("input_image", "ada.png", "image/png", PNG)
    made(stage, form(PATHS["image"], fields(model), file), account)
    made(stage, job(model, img_url=[PICTURE, CLIP]), account)
    made(stage, form(PATHS["image"], fields(model, img_url=[PICTURE, CLIP]), file, file), account)
    stage.refused(job(model, img_url=[f"{PICTURE}?{number}" for number in range(9)]), "invalid", account)


_VIDEOS = tuple(name for name, model in MODELS.items() if model.path == PATHS["video"])


@promise("FIELD-207", {ONLY: "R-REV-053 R-REV-063 R-REV-065 R-REV-066 R-REV-133"}, each=_VIDEOS)
def videos_start_from_an_image_or_a_text(stage: Stage, model: str) -> None:
    """Every video model takes an `img_url` and, but for kling-o1-video, makes a video from the prompt alone."""
    account = roomy(stage)
    with_image = cost(stage, job(model, img_url=PICTURE), account)
    if MODELS[model].from_text:
        price = cost(stage, job(model), account)
        expect(price == with_image, f"from an image it costs {with_image}, from a text {price}")
    elif stage.assumptions:
        stage.refused(job(model, img_url=None), "invalid", account)
        stage.refused(job(model, img_url=None, mode="t2v"), "invalid", account)


@promise(
    "FIELD-208",
    assumed={ONLY: "modes and files of video models are found (R-REV-060, 061, 062), A-REV-16"},
    each=_VIDEOS,
)
def video_modes_and_frames(stage: Stage, model: str) -> None:
    """`mode` must fit whether there is an image; a file will do; Grok takes one image, the others two."""
    account = roomy(stage)
    made(stage, job(model, img_url=PICTURE, mode="i2v"), account)
    made(stage, form(PATHS["video"], fields(model, img_url=None), ("input_image", "a.png", "image/png", PNG)), account)
    stage.refused(job(model, img_url=PICTURE, mode="t2v"), "invalid", account)
    stage.refused(job(model, img_url=None, mode="i2v"), "invalid", account)
    stage.refused(job(model, img_url=PICTURE, mode="v2v"), "invalid", account)
    two, three = [PICTURE, CLIP], [PICTURE, CLIP, SOUND]
    if model == "grok-i2v":
        stage.refused(job(model, img_url=None, image_urls=two), "invalid", account)
    else:
        made(stage, job(model, img_url=None, image_urls=two), account)
    made(stage, job(model, img_url=PICTURE, image_url=PICTURE), account)
    stage.refused(job(model, img_url=None, image_urls=three), "invalid", account)


@promise(
    "FIELD-209",
    {ONLY: "R-REV-070 R-REV-071 R-REV-072"},
    assumed={ONLY: "the names of the reference fields (R-REV-075), A-REV-24"},
    each=("seedance-2.0", "seedance-2.0-fast"),
)
def seedance_takes_seven_references(stage: Stage, model: str) -> None:
    """A Seedance job takes up to five images, one video, one sound and `audio`; a sixth image is refused."""
    account = roomy(stage)
    pictures = [f"{PICTURE}?{number}" for number in range(6)]
    for count in (0, 1, 5):
        more = {"img_url": pictures[:count], "video_url": CLIP, "audio_url": SOUND, "audio": True}
        made(stage, job(model, **{name: value for name, value in more.items() if value != []}), account)
    stage.refused(job(model, img_url=pictures), "invalid", account)
    stage.refused(job(model, img_url=pictures[:5], image_url=pictures[5]), "invalid", account)
    for name in ("video_url", "audio_url"):
        stage.refused(job(model, **{name: [CLIP, SOUND]}), "invalid", account)


@promise(
    "FIELD-210", {ONLY: "R-REV-073"}, assumed={ONLY: "what is not eligible here, and that the job fails (A-REV-25)"}
)
def seedance_references_are_checked(stage: Stage) -> None:
    """A Seedance image or video that is not eligible ends its job before it is made, refunded; sounds skip it."""
    account = roomy(stage)
    bad = "https://media.example.com/ineligible.bin"
    for name, ends in (("img_url", "failed"), ("video_url", "failed"), ("audio_url", "completed")):
        before = stage.driver.balance(stage, account)
        task = stage.start(account, "seedance", **{name: bad})
        seen = [view.state for view in stage.follow(task)]
        expect(seen[-1] == ends, f"with such a {name} the job should end {ends}, and it went {seen}")
        expect(ends != "failed" or "processing" not in seen, f"it was made before the check: {seen}")
        lost = before - stage.driver.balance(stage, account)
        expect(lost == (0 if ends == "failed" else task.created.price), f"{lost} credits are gone")


@promise("FIELD-215", {ONLY: "R-REV-100 R-REV-101 R-REV-053 R-REV-080 R-REV-081 R-REV-180"})
def the_documented_workflows_work(stage: Stage) -> None:
    """Image-to-video and motion control run from uploaded files to a result, as the document's steps have it."""
    account = roomy(stage)
    picture = stage.answered(upload("image"), account).field("url")
    clip = stage.answered(upload("video"), account).field("url")
    film = stage.start(account, "video", img_url=picture)
    dance = stage.start(account, "motion", character_image_url=picture, motion_video_url=clip, mode="std")
    for task in (film, dance):
        _comes_out(stage, task)


def _comes_out(stage: Stage, task: Started) -> None:
    last = stage.follow(task)[-1]
    expect((last.state, last.progress) == ("completed", 100), f"it ends as {last}")
    file = stage.fetch(last.results[0])
    expect(file.status == 200 and file.media_type.startswith("video/"), f"the result is {file.media_type!r}")
    expect(PROMPT.encode() not in file.body[:100], "the result is its prompt")
