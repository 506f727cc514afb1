"""What API-Key's task and estimate endpoints accept. What a model allows is checked against the catalogue afterwards.

Source: R-KEY-030, R-KEY-040, R-KEY-041. ASSUMED: all other fields, every limit; null means that a field is left out.
`seconds`, `size` and `input_reference` are what OpenAI's clients call things (D8).
"""

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from soundstage.core.addresses import is_nearby
from soundstage.core.call import BlobRef
from soundstage.validation import Url, WireModel, shown, web_url

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,[A-Za-z0-9+/\s]+={0,2}\Z")
_WHOLE = re.compile(r"[1-9][0-9]{0,4}")
_SIZE = r"^[1-9]\d{1,4}x[1-9]\d{1,4}$"


def _image(given: str) -> str:
    if not given.startswith("data:"):
        return web_url(given, or_data=True)
    if _DATA_URL.match(given) is None:
        raise ValueError("A data: URL here must hold an image in base64, such as data:image/png;base64,iVBORw0…")
    return given


def _callback(given: str) -> str:
    parts = urlsplit(web_url(given))
    if parts.scheme != "https" and not is_nearby(parts.hostname or ""):
        raise ValueError(
            f"callback_url must be https (plain http only to this machine or a private network), got {shown(given)}."
        )
    return given


def _seconds(given: Any) -> Any:
    # OpenAI's clients send seconds as text.
    return int(given) if isinstance(given, str) and _WHOLE.fullmatch(given) else given


Image = Annotated[str, AfterValidator(_image)]
Callback = Annotated[str, AfterValidator(_callback)]
Credits = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Size = Annotated[str, Field(pattern=_SIZE)]
InputMode = Literal["text-to-video", "image-to-video", "video-to-video"]


class Estimate(WireModel):
    """A question about a price; nothing is created."""

    model: str
    modality: Literal["image", "video", "music"] | None = None
    duration: int | None = None
    resolution: str | None = None
    input_mode: InputMode | None = None
    n: Annotated[int, Field(ge=1, le=4)] | None = None
    max_credits: Credits | None = None


class TaskRequest(WireModel):
    """Fields of every task; `max_credits` is the most it may cost, `callback_url` where its end is reported."""

    model: str
    max_credits: Credits | None = None
    callback_url: Callback | None = None


class Video(TaskRequest):
    """POST /v1/videos (R-KEY-025, R-KEY-040)."""

    prompt: Annotated[str, Field(min_length=1, max_length=5000)] | None = None
    duration: int | None = None
    seconds: Annotated[int, BeforeValidator(_seconds)] | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    size: Size | None = None
    input_mode: InputMode | None = None
    images: Annotated[list[Image], Field(max_length=4)] | None = None
    videos: Annotated[list[Url], Field(max_length=1)] | None = None
    input_reference: BlobRef | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.duration is not None and self.seconds is not None:
            raise ValueError("duration and seconds mean the same; send one of them.")
        if self.size is not None and (self.resolution is not None or self.aspect_ratio is not None):
            raise ValueError("size stands for resolution and aspect_ratio; send it or them.")
        if sum(map(bool, (self.images, self.videos, self.input_reference))) > 1:
            raise ValueError("images, videos and input_reference exclude each other; send one of them.")
        return self


class ImageTask(TaskRequest):
    """POST /v1/images/generations (R-KEY-024)."""

    prompt: Annotated[str, Field(min_length=1, max_length=4000)]
    images: Annotated[list[Image], Field(max_length=8)] | None = None
    n: Annotated[int, Field(ge=1, le=4)] | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    size: Size | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.size is not None and (self.resolution is not None or self.aspect_ratio is not None):
            raise ValueError("size stands for resolution and aspect_ratio; send it or them.")
        return self


class Music(TaskRequest):
    """POST /v1/music/generations (R-KEY-026)."""

    prompt: Annotated[str, Field(min_length=1, max_length=3000)]
    lyrics: Annotated[str, Field(max_length=5000)] | None = None
    instrumental: bool | None = None
    duration: int | None = None
