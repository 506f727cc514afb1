"""What RevidAPI's generate endpoints accept; what a model has on offer is checked against the catalogue afterwards.

Source: R-REV-040..095. ASSUMED: limits of lengths, Seedance's field names; null means that a field is left out.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from soundstage.core.call import BlobRef, Form
from soundstage.validation import Url, WireModel

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")
MODES: Mapping[str, str] = {"std": "720p", "pro": "1080p"}
_SECONDS = re.compile(r"[0-9]{1,3}s?")
_TRUTH = {"1": "true", "0": "false"}


def _seconds(given: Any) -> Any:
    # "5", 5 and "5s" mean the same (R-REV-052).
    return int(given.removesuffix("s")) if isinstance(given, str) and _SECONDS.fullmatch(given) else given


def _picture(given: BlobRef) -> BlobRef:
    if given.size == 0:
        raise ValueError("Empty file: input_image must be an image.")
    if given.content_type not in IMAGE_TYPES:
        raise ValueError(
            f"input_image must be a file of {', '.join(IMAGE_TYPES)}; "
            f"its bytes are {given.content_type or 'of no kind known here'}."
        )
    return given


def plain(body: Any) -> Any:
    """Return a body whose truth values are spelled as JSON spells them: in a form, 1 and 0 will do as well."""
    if not isinstance(body, Form) or "audio" not in body:
        return body
    spelled = [_TRUTH.get(one, one) if isinstance(one, str) else one for one in body["audio"]]
    return Form({**body, "audio": spelled})


Prompt = Annotated[str, Field(min_length=1, max_length=10_000)]
OptionalPrompt = Annotated[str, Field(max_length=10_000)] | None
Addresses = Annotated[list[Url], Field(max_length=8)]
Picture = Annotated[BlobRef, AfterValidator(_picture)]
Seconds = Annotated[int, BeforeValidator(_seconds)]


class Generate(WireModel):
    """Fields of every generate endpoint."""

    model: str | None = None
    server_id: str | None = None


class WithImages(Generate):
    """Reference images under any of their names; they count together (A-REV-51)."""

    prompt: Prompt
    img_url: Url | Addresses | None = None
    image_url: Url | None = None
    image_urls: Addresses | None = None
    input_image: Annotated[list[Picture], Field(max_length=8)] | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    speed: str | None = None


class Image(WithImages):
    """POST /image/generate (R-REV-040..049)."""

    quality: str | None = None


class Video(WithImages):
    """POST /video/generate (R-REV-050..066)."""

    mode: Literal["t2v", "i2v"] | None = None
    duration: Seconds | None = None
    audio: bool | None = None


class Seedance(WithImages):
    """POST /seedance/generate (R-REV-070..076)."""

    duration: Seconds | None = None
    audio: bool | None = None
    video_url: Url | None = None
    audio_url: Url | None = None


class Motion(Generate):
    """POST /motion/generate (R-REV-080..086)."""

    character_image_url: Url
    motion_video_url: Url
    mode: Literal["std", "pro"] | None = None
    resolution: str | None = None
    prompt: OptionalPrompt = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.mode is not None and self.resolution not in {None, MODES[self.mode]}:
            raise ValueError(f"mode {self.mode} makes {MODES[self.mode]}; send it or resolution.")
        return self


class KolAi(Generate):
    """POST /kol-ai/generate (R-REV-090..095)."""

    audio_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=200)]
    image_url: Url
    quality: str | None = None
    prompt: OptionalPrompt = None
