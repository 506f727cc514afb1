"""Turns a request into what a model is to make, or into the problem with it: the rules the catalogue knows.

ASSUMED: that the references tell the input mode, and what OpenAI's `size` stands for.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from soundstage.core.call import Problem
from soundstage.core.limits import model_problem
from soundstage.core.universe import Key
from soundstage.providers.apikeyorg.catalogue import Category, Model, catalogue, ids
from soundstage.providers.apikeyorg.wire import ImageTask, Music, TaskRequest, Video
from soundstage.validation import path_if_ours, shown


class Wanted(NamedTuple):
    """What a model is to make. `seconds` is None when the model chooses; `fields` tell this request from others."""

    model: Model
    seconds: int | None
    resolution: str | None
    input_mode: str | None
    files: int
    fields: Mapping[str, Any]


def find_model(body: Any, key: Key, *categories: Category) -> Model | Problem:
    """Return the model a body names, if it is of a category and the key may use it."""
    if not isinstance(body, Mapping):
        return Problem("invalid_request", f"The body must be a JSON object, got {shown(body)}.")
    name = body.get("model")
    if isinstance(name, list) and len(name) == 1:
        name = name[0]  # a form's only value
    known = ", ".join(ids(*categories))
    if name is None:
        return Problem("invalid_request", f"model is required; send one of {known}.", "model")
    if not isinstance(name, str):
        return Problem("invalid_request", f"model must be a string, one of {known}, got {shown(name)}.", "model")
    model = catalogue().get(name)
    if model is None:
        return Problem("model_not_found", f"There is no model {shown(name)}; send one of {known}.", "model")
    if model.category not in categories:
        message = f"{name} is for {model.category}, this endpoint takes one of {known}."
        return Problem("invalid_request", message, "model")
    return model_problem(key, model.id) or model


def wanted(model: Model, request: TaskRequest, base_url: str) -> Wanted | Problem:
    """Return what a task's request asks for."""
    if isinstance(request, Video):
        return _video(model, request, base_url)
    if isinstance(request, ImageTask):
        return _image(model, request, base_url)
    if isinstance(request, Music):
        problem = fit(model, seconds=request.duration)
        fields = request.model_dump(exclude=_NOT_MADE)
        return problem or Wanted(model, request.duration, None, None, 1, fields)
    raise TypeError(f"no rules for {type(request).__name__}")


_NOT_MADE = {"max_credits", "callback_url"}


def fit(
    model: Model,
    *,
    seconds: int | None = None,
    resolution: str | None = None,
    aspect_ratio: str | None = None,
    input_mode: str | None = None,
) -> Problem | None:
    """Return why a model cannot make this, by what the catalogue says it can."""
    span = model.span
    if seconds is not None and span is None:
        return Problem("invalid_request", f"duration has no meaning for {model.id}; leave it out.", "duration")
    if seconds is not None and span is not None and not span.minimum <= seconds <= span.maximum:
        message = f"duration must be {span.minimum} to {span.maximum} seconds for {model.id}, got {shown(seconds)}."
        return Problem("invalid_request", message, "duration")
    given = {"resolution": resolution, "aspect_ratio": aspect_ratio, "input_mode": input_mode}
    for field, value in given.items():
        allowed = model.choices(f"{field}s")
        if value is None or value in allowed:
            continue
        must = f"must be one of {', '.join(allowed)} for {model.id}" if allowed else f"has no meaning for {model.id}"
        return Problem("invalid_request", f"{field} {must}, got {shown(value)}.", field)
    return None


def _video(model: Model, request: Video, base_url: str) -> Wanted | Problem:
    mode = _mode_of(request)
    if isinstance(mode, Problem):
        return mode
    if request.input_mode not in {None, mode}:
        message = f"input_mode {request.input_mode} does not fit what was sent, which is {mode}; leave it out."
        return Problem("invalid_request", message, "input_mode")
    if mode == "text-to-video" and request.prompt is None:
        return Problem("invalid_request", "prompt is required without images or videos.", "prompt")
    resolution, ratio = _frame(model, request.size, request.resolution, request.aspect_ratio)
    seconds = request.duration if request.seconds is None else request.seconds
    problem = fit(model, seconds=seconds, resolution=resolution, aspect_ratio=ratio, input_mode=mode)
    if problem is not None:
        return problem
    reference = request.input_reference
    fields = {
        "model": model.id,
        "prompt": request.prompt,
        "duration": seconds,
        "resolution": resolution,
        "aspect_ratio": ratio,
        "input_mode": mode,
        "images": [_mark(url, base_url) for url in request.images or ()],
        "videos": [_mark(url, base_url) for url in request.videos or ()],
        "file": None if reference is None else reference.sha256,
    }
    return Wanted(model, seconds, resolution, mode, 1, fields)


def _image(model: Model, request: ImageTask, base_url: str) -> Wanted | Problem:
    resolution, ratio = _frame(model, request.size, request.resolution, request.aspect_ratio)
    problem = fit(model, resolution=resolution, aspect_ratio=ratio)
    if problem is not None:
        return problem
    files = request.n or 1
    fields = {
        "model": model.id,
        "prompt": request.prompt,
        "resolution": resolution,
        "aspect_ratio": ratio,
        "images": [_mark(url, base_url) for url in request.images or ()],
        "n": files,
    }
    return Wanted(model, None, resolution, None, files, fields)


def _mode_of(request: Video) -> str | Problem:
    if request.videos:
        return "video-to-video"
    if request.images:
        return "image-to-video"
    if request.input_reference is None:
        return "text-to-video"
    kind = request.input_reference.content_type or ""
    if kind.startswith(("image/", "video/")):
        return f"{kind.partition('/')[0]}-to-video"
    message = f"input_reference must be an image or a video, its bytes are {kind or 'of no kind known here'}."
    return Problem("invalid_request", message, "input_reference")


def _frame(model: Model, size: str | None, resolution: str | None, ratio: str | None) -> tuple[str, str]:
    """Return resolution and aspect ratio; OpenAI's `size` means the nearest of each that holds it."""
    if size is None:
        # Not `or`: an empty text is no way to leave a field out.
        return (
            model.data["default_resolution"] if resolution is None else resolution,
            model.data["default_aspect_ratio"] if ratio is None else ratio,
        )
    width, height = (int(side) for side in size.split("x"))
    shorter = min(width, height)
    choices = model.choices("resolutions")
    chosen = next((name for name in choices if _pixels(name) >= shorter), choices[-1])
    return chosen, min(model.choices("aspect_ratios"), key=lambda name: abs(_shape(name) - width / height))


def _pixels(resolution: str) -> int:
    # "720p" is 720 lines, "2k" about 2,000.
    return int(resolution[:-1]) * (1024 if resolution.endswith("k") else 1)


def _shape(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


def _mark(url: str, base_url: str) -> str:
    # A data: URL may be a megabyte; its digest tells it from others as well.
    if url.startswith("data:"):
        return f"sha256:{sha256(url.encode()).hexdigest()}"
    return path_if_ours(url, base_url)
