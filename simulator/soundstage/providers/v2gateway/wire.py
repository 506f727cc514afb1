"""What the /v2 gateway's submit accepts; fields that are not listed here are passed on untouched.

Source: R-V2-010..019, R-V2-074. ASSUMED: every limit, and that null means left out, as the empty text does (A-V2-07).
"""

import re
from math import isfinite
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from soundstage.core.addresses import is_nearby
from soundstage.validation import WireModel, shown, web_url

_BASE64 = r"[A-Za-z0-9+/]+={0,2}"
_PICTURE = re.compile(rf"(?:data:image/[a-z0-9.+-]{{1,40}};base64,)?{_BASE64}")
_DIGITS = re.compile(r"[0-9]{1,6}")


def _image(given: str) -> str:
    if not given:
        return given
    if given.startswith(("http://", "https://")):
        return web_url(given)
    if _PICTURE.fullmatch(given) is None:
        raise ValueError(
            f"images must hold http or https addresses, data:image/…;base64, URLs or base64, got {shown(given)}."
        )
    return given


def _video(given: str) -> str:
    return web_url(given) if given else given


def _there(given: list[str]) -> list[str]:
    # The documented body shows [""], which stands for none (A-V2-07).
    return [one for one in given if one]


def _duration(given: Any) -> Any:
    if isinstance(given, str) and _DIGITS.fullmatch(given):
        return given
    if not isinstance(given, bool) and isinstance(given, int | float) and isfinite(given) and given > 0:
        return given
    raise ValueError(
        f'duration must be seconds: a number above 0, or digits as a text such as "10", got {shown(given)}.'
    )


def _hook(given: str) -> str:
    parts = urlsplit(web_url(given))
    if parts.scheme != "https" and not is_nearby(parts.hostname or ""):
        raise ValueError(
            f"notify_hook must be https (plain http only to this machine or a private network), got {shown(given)}."
        )
    return given


Text = Annotated[str, Field(max_length=200)]
Image = Annotated[str, AfterValidator(_image)]
Video = Annotated[str, AfterValidator(_video)]


class Submit(WireModel):
    """POST /v2/{scope}/generations, the same for every scope (A-V2-09)."""

    prompt: Annotated[str, Field(min_length=1)]
    model: Annotated[str, Field(min_length=1, max_length=200)]
    duration: Annotated[Any, BeforeValidator(_duration)] = None
    aspect_ratio: Text | None = None
    size: Text | None = None
    resolution: Text | None = None
    images: Annotated[list[Image], Field(max_length=16, default_factory=list), AfterValidator(_there)]
    videos: Annotated[list[Video], Field(max_length=16, default_factory=list), AfterValidator(_there)]
    watermark: bool | None = None
    notify_hook: Annotated[str, AfterValidator(_hook)] | None = None

    @property
    def source(self) -> str:
        """What the result is made from: videos win over images, and text alone is left (R-V2-021, A-V2-08)."""
        if self.videos:
            return "video"
        return "image" if self.images else "text"
