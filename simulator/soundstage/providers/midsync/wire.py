"""What MidSync accepts: one request model per video model, because each has rules of its own.

Source: schemas/midsync/SOURCE.md. Field names are the wire's.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from soundstage.validation import Url, WireModel, shown


class Common(WireModel):
    """Fields that every model takes. `callbackUrl` is where the finished task is reported (R-MID-040)."""

    model: str
    prompt: Annotated[str, Field(min_length=3, max_length=2500)]
    callbackUrl: Url | None = None
    projectId: Annotated[str, Field(max_length=200)] | None = None
    images: Annotated[list[Url], Field(max_length=1, default_factory=list)]

    @property
    def from_images(self) -> bool:
        """Whether this is image-to-video."""
        return bool(self.images)


class Seedance(Common):
    """seedance-1.5-pro (R-MID-030..039)."""

    images: Annotated[list[Url], Field(max_length=2, default_factory=list)]
    aspectRatio: Literal["1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "2:3", "3:2"] = "16:9"
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration: Literal[4, 8, 12] = 8
    generateAudio: bool = False
    fixedLens: bool = False
    nsfwChecker: bool = False

    @field_validator("duration", mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        return _integer("duration", given)


class Kling(Common):
    """kling-2.5-turbo (R-MID-101..103); aspectRatio counts only without an image."""

    aspectRatio: Literal["1:1", "16:9", "9:16"] = "16:9"
    resolution: Literal["720p", "1080p"] = "1080p"
    duration: Literal[5, 10] = 5
    negativePrompt: Annotated[str, Field(max_length=2500)] = ""
    cfgScale: float = 0.5

    @field_validator("duration", mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        return _integer("duration", given)

    @field_validator("cfgScale")
    @classmethod
    def _clamp(cls, given: float) -> float:
        return min(1.0, max(0.0, given))

    @model_validator(mode="after")
    def _short_negative_prompt(self) -> Self:
        if self.images and len(self.negativePrompt) > 500:
            raise ValueError(
                "negativePrompt must have at most 500 characters when an image is given, "
                f"got {len(self.negativePrompt)}."
            )
        return self


class Runway(Common):
    """runway (R-MID-104, R-MID-105); aspectRatio is needed without an image and ignored with one."""

    prompt: Annotated[str, Field(min_length=3, max_length=1800)]
    aspectRatio: Literal["1:1", "16:9", "9:16", "4:3", "3:4"] | None = None
    duration: Literal[5, 10] = 5
    quality: Literal["720p", "1080p"] = "720p"
    watermark: Annotated[str, Field(max_length=200)] | None = None

    @field_validator("duration", mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        return _integer("duration", given)

    @model_validator(mode="after")
    def _together(self) -> Self:
        if not self.images and self.aspectRatio is None:
            raise ValueError(
                "aspectRatio is required for runway without an image; send one of 1:1, 16:9, 9:16, 4:3, 3:4."
            )
        if self.duration == 10 and self.quality == "1080p":
            raise ValueError("runway does not sell 10 s at 1080p; send duration 5, or quality 720p.")
        return self


class Grok(Common):
    """grok-video (R-MID-106..108); images and referenceTaskId exclude each other."""

    prompt: Annotated[str, Field(min_length=3, max_length=2500)] = ""
    images: Annotated[list[Url], Field(max_length=7, default_factory=list)]
    referenceTaskId: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    referenceIndex: Annotated[int, Field(ge=0, le=5)] = 0
    aspectRatio: Literal["1:1", "16:9", "2:3", "3:2", "9:16"] = "2:3"
    duration: Annotated[int, Field(ge=6, le=30)] = 6
    resolution: Literal["480p", "720p"] = "480p"
    mode: Literal["fun", "normal", "spicy"] = "normal"
    nsfwChecker: bool = False

    @property
    def from_images(self) -> bool:
        """Whether this is image-to-video."""
        return bool(self.images) or self.referenceTaskId is not None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.images and self.referenceTaskId is not None:
            raise ValueError("images and referenceTaskId exclude each other for grok-video; send one of them.")
        if self.images and self.mode == "spicy":
            raise ValueError("mode spicy is not allowed with images of your own; send mode normal or fun.")
        if not self.from_images and not self.prompt:
            raise ValueError("prompt is required for grok-video without images or referenceTaskId.")
        return self


REQUESTS: dict[str, type[Common]] = {
    "seedance-1.5-pro": Seedance,
    "kling-2.5-turbo": Kling,
    "runway": Runway,
    "grok-video": Grok,
}


def _integer(field: str, given: Any) -> Any:
    # Literal[8] would accept 8.0 and say nothing useful about "8".
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError(f"{field} must be an integer number of seconds, got {shown(given)}.")  # noqa: TRY004 - pydantic's
    return given
