"""RevidAPI's `params`: the words in which a model's list entry tells of its request fields."""

from __future__ import annotations

from soundstage_contracts.checks.revidapi_requests import ONLY, the_model, way_of
from soundstage_contracts.oracles.revidapi import MODELS
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import expect

_LATER = ("kling-2.5-turbo", "kling-3.0-video", "kling-o1-video")
_QUALITIES = {"image-gpt-2": ("low", "medium", "high"), "kling-avatar": ("720p", "1080p")}
_REQUIRED = {
    "motion": ("character_image_url", "motion_video_url"),
    "kol": ("audio_id", "image_url"),
}


@promise(
    "MODEL-209",
    {ONLY: "R-REV-009 R-REV-017 R-REV-169"},
    assumed={ONLY: "the words of params of models other than kling-2.6"},
    each=tuple(MODELS),
)
def params_name_what_is_on_offer(stage: Stage, model: str) -> None:
    """The words of `params` between bars are the values on offer: servers, resolutions, seconds, ratios, speeds."""
    known, params = MODELS[model], the_model(stage, model)["params"]
    offered = {
        "server_id": known.servers,
        "resolution": known.resolutions,
        "duration": tuple(map(str, known.durations)),
        "aspect_ratio": known.ratios,
        "speed": ("fast", "slow") if model in _LATER else known.speeds,
        "mode": ("std", "pro") if way_of(model) == "motion" else (),
        "quality": _QUALITIES.get(model, ()),
    }
    for name, values in offered.items():
        if values:
            expect(name in params, f"params does not tell of {name}")
            told = [one.strip() for one in params[name].partition("(")[0].split("|")]
            expect(sorted(told) == sorted(values), f"params.{name} tells of {told}; on offer are {values}")
    for name in _REQUIRED.get(way_of(model), ("prompt",)):
        second = params[name].replace(",", " ").split()[1]
        expect(second == "required", f"params.{name} should say that it is required, not {params[name]!r}")
    begins = {name: text.replace(",", " ").split()[0] for name, text in params.items()}
    for name, word in _words(model).items():
        expect(begins.pop(name, None) == word, f"params.{name} should begin with {word!r}: {params.get(name)!r}")
    rest = {name for name, values in offered.items() if values}
    # No published table has the ratios of images.
    rest |= {"aspect_ratio"} if way_of(model) == "image" else set()
    expect(begins.keys() == rest, f"besides, params should tell of {rest}, and tells of {set(begins)}")


def _words(model: str) -> dict[str, str]:
    """Return the fields that take any text, address, file or truth, with the first word of what params says of them."""
    known, way = MODELS[model], way_of(model)
    files = {"motion": ("character_image_url", "motion_video_url"), "kol": ("image_url",)}.get(way, ("img_url",))
    words = {"prompt": "string", **dict.fromkeys(files, "url")}
    words |= {"video_url": "url", "audio_url": "url"} if way == "seedance" else {}
    words |= {"input_image": "file"} if way == "image" else {}
    words |= {"audio_id": "string"} if way == "kol" else {}
    return words | ({"audio": "boolean"} if known.sound else {})
