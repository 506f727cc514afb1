"""What MidSync's request fields take and refuse, as the documents say. Source: R-MID-030 to R-MID-108."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from soundstage_contracts.oracles.midsync import GROK, KLING, MODELS, RUNWAY, SEEDANCE

IMAGE = "https://example.com/boat.png"
_IMAGES = [f"https://example.com/boat-{number}.png" for number in range(8)]
_LONGEST = "https://example.com/".ljust(2048, "b")
_NO_IMAGES = (
    *(IMAGE, [5], [None], ["boat.png"], ["ftp://example.com/boat.png"]),
    *(["data:image/png;base64,iVBORw0KGgo="], [f"{_LONGEST}b"]),
)


_RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "9:21", "2:3", "3:2", "5:4", "4:5", "1:2", "16x9", "")
_SIZES = ("240p", "360p", "480p", "540p", "720p", "1080p", "1440p", "2160p", "4k", "720", "720P", "")
_SECONDS = range(-4, 33)


def _but(known: Iterable[Any], *taken: Any) -> tuple[Any, ...]:
    """Return what of `known` is not taken."""
    return tuple(value for value in known if value not in taken)


class Field(NamedTuple):
    """One field of one model: values that are taken, values the documents rule out, and values only we rule out.

    `beside` is what the body needs or has besides, where the rule depends on it; `also` are values only we take.
    """

    model: str
    name: str
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    wrong: tuple[Any, ...]
    source: str
    beside: dict[str, Any] = {}  # noqa: RUF012 - read only
    also: tuple[Any, ...] = ()

    @property
    def title(self) -> str:
        """Its name in a report."""
        return f"{self.model} {self.name}{' beside ' + ' '.join(self.beside) if self.beside else ''}"


def _flag(model: str, name: str, source: str) -> Field:
    return Field(model, name, (True, False), (), ("true", 1, None), source)


def _text(model: str, name: str, source: str) -> Field:
    return Field(model, name, ("boat-7",), (), (7, ["boat-7"], None, "b" * 201), source, also=("", "b" * 200))


_SEEDANCE = (
    Field(SEEDANCE, "prompt", ("sea", "s" * 2500), ("", "se", "s" * 2501), (7, ["sea"], None), "R-MID-031"),
    Field(
        SEEDANCE, "images", ([], _IMAGES[:1], _IMAGES[:2]), (_IMAGES[:3],), _NO_IMAGES, "R-MID-032", also=([_LONGEST],)
    ),
    Field(
        SEEDANCE,
        "aspectRatio",
        ("1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "2:3", "3:2"),
        _but(_RATIOS, "1:1", "4:3", "3:4", "16:9", "9:16", "21:9", "2:3", "3:2"),
        (1.5, None),
        "R-MID-033",
    ),
    Field(
        SEEDANCE,
        "resolution",
        ("480p", "720p", "1080p"),
        _but(_SIZES, "480p", "720p", "1080p"),
        (720, None),
        "R-MID-034",
    ),
    Field(SEEDANCE, "duration", (4, 8, 12), _but(_SECONDS, 4, 8, 12), ("8", 8.5, True, None), "R-MID-035"),
    _flag(SEEDANCE, "generateAudio", "R-MID-036"),
    _flag(SEEDANCE, "fixedLens", "R-MID-037"),
    _flag(SEEDANCE, "nsfwChecker", "R-MID-038"),
    _text(SEEDANCE, "projectId", "R-MID-039"),
)
_KLING = (
    Field(KLING, "prompt", (), (), ("", "se", "s" * 2501, 7, None), "R-MID-080", also=("sea", "s" * 2500)),
    Field(KLING, "images", ([], _IMAGES[:1]), (_IMAGES[:2],), _NO_IMAGES, "R-MID-103", also=([_LONGEST],)),
    Field(KLING, "aspectRatio", ("1:1", "16:9", "9:16"), _but(_RATIOS, "1:1", "16:9", "9:16"), (1, None), "R-MID-103"),
    Field(KLING, "aspectRatio", ("1:1", "16:9", "9:16"), (), ("4:3",), "R-MID-103", {"images": [IMAGE]}),
    Field(KLING, "duration", (5, 10), _but(_SECONDS, 5, 10), ("5", 5.5, True, None), "R-MID-101"),
    Field(
        KLING, "resolution", (), (), (*_but(_SIZES, "720p", "1080p"), 1080, None), "R-MID-067", also=("720p", "1080p")
    ),
    Field(KLING, "negativePrompt", ("blur", "b" * 2500), ("b" * 2501,), (7, None), "R-MID-103", also=("",)),
    Field(KLING, "negativePrompt", ("blur", "b" * 500), ("b" * 501,), (), "R-MID-103", {"images": [IMAGE]}),
    Field(KLING, "cfgScale", (0, 0.5, 1, -0.5, 1.5, 40), (), ("0.5", True, None), "R-MID-102"),
    _text(KLING, "projectId", "R-MID-102"),
)
_RUNWAY = (
    Field(RUNWAY, "prompt", ("s" * 1800,), ("s" * 1801,), ("", "se", 7, None), "R-MID-104", also=("sea",)),
    Field(RUNWAY, "images", ([], _IMAGES[:1]), (_IMAGES[:2],), _NO_IMAGES, "R-MID-104", also=([_LONGEST],)),
    Field(
        RUNWAY,
        "aspectRatio",
        ("1:1", "16:9", "9:16", "4:3", "3:4"),
        _but(_RATIOS, "1:1", "16:9", "9:16", "4:3", "3:4"),
        (1, None),
        "R-MID-104",
    ),
    Field(RUNWAY, "aspectRatio", ("1:1", "3:4"), (), ("21:9",), "R-MID-104", {"images": [IMAGE]}),
    Field(RUNWAY, "duration", (5, 10), _but(_SECONDS, 5, 10), ("5", 5.5, True, None), "R-MID-104"),
    Field(
        RUNWAY, "quality", ("720p", "1080p"), _but(_SIZES, "720p", "1080p"), (720, None), "R-MID-104", {"duration": 5}
    ),
    _text(RUNWAY, "watermark", "R-MID-104"),
    _text(RUNWAY, "projectId", "R-MID-104"),
)
_GROK = (
    Field(GROK, "prompt", (), (), ("", "se", "s" * 2501, 7, None), "R-MID-108", also=("sea", "s" * 2500)),
    Field(GROK, "images", ([], _IMAGES[:1], _IMAGES[:7]), (_IMAGES,), _NO_IMAGES, "R-MID-108", also=([_LONGEST],)),
    Field(
        GROK,
        "aspectRatio",
        ("1:1", "16:9", "2:3", "3:2", "9:16"),
        _but(_RATIOS, "1:1", "16:9", "2:3", "3:2", "9:16"),
        (1, None),
        "R-MID-108",
    ),
    Field(GROK, "resolution", ("480p", "720p"), _but(_SIZES, "480p", "720p"), (480, None), "R-MID-106"),
    Field(GROK, "duration", tuple(range(6, 31)), _but(_SECONDS, *range(6, 31)), ("6", 6.5, True, None), "R-MID-106"),
    Field(GROK, "mode", ("fun", "normal", "spicy"), ("calm", "Normal"), (1, None), "R-MID-108"),
    Field(GROK, "mode", ("fun", "normal"), ("spicy",), (), "R-MID-108", {"images": [IMAGE]}),
    Field(GROK, "referenceIndex", (0, 5), (-1, 6), ("0", 1.5, True, None), "R-MID-108"),
    _flag(GROK, "nsfwChecker", "R-MID-108"),
    _text(GROK, "projectId", "R-MID-039")._replace(good=(), also=("", "boat-7", "b" * 200)),
)
_NO_ADDRESS = ("example.com/done", "ftp://example.com/done", f"{_LONGEST}b", 7, None)
_CALLBACKS = tuple(
    Field(model, "callbackUrl", (), (), _NO_ADDRESS, "R-MID-040", also=("https://example.com/done", _LONGEST))
    for model in MODELS
)
FIELDS = (*_SEEDANCE, *_KLING, *_RUNWAY, *_GROK, *_CALLBACKS)
"""Every documented field of every model; where nothing is published, they stand under `wrong` and `also`."""

DEFAULTS: dict[str, dict[str, Any]] = {
    SEEDANCE: {
        "aspectRatio": "16:9",
        "resolution": "720p",
        "duration": 8,
        "generateAudio": False,
        "fixedLens": False,
        "nsfwChecker": False,
    },
    KLING: {"aspectRatio": "16:9", "duration": 5, "resolution": "1080p", "cfgScale": 0.5},
    RUNWAY: {"duration": 5, "quality": "720p"},
    GROK: {
        "referenceIndex": 0,
        "aspectRatio": "2:3",
        "resolution": "480p",
        "duration": 6,
        "mode": "normal",
        "nsfwChecker": False,
    },
}
"""What a field left out means; published are Grok's mode, ratio and index (R-MID-106, 108), all others are assumed."""
