"""What a job starts from: images, files, a video, a sound, as the request names them.

Source: R-REV-042, 048, 053, 062, 071, 073. ASSUMED: an address that contains `ineligible` does not pass the check.
"""

from typing import Any, NamedTuple

from soundstage.core.call import Problem
from soundstage.providers.revidapi.catalogue import Model
from soundstage.providers.revidapi.wire import Generate, KolAi, Motion, Seedance, Video, WithImages
from soundstage.validation import path_if_ours

_REFUSED = "ineligible"
NOT_ELIGIBLE = "Reference did not pass the eligibility check"


class References(NamedTuple):
    """Addresses by what they lead to, and the digests of files that came with the request."""

    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    checked: bool = False

    @property
    def eligible(self) -> bool:
        """Whether they pass the check before dispatch, if there is one; sounds skip it (R-REV-073)."""
        return not self.checked or not any(_REFUSED in url.lower() for url in (*self.images, *self.videos))

    def named(self, base_url: str) -> dict[str, Any]:
        """Return what tells these from others, without a port that the machine picked."""
        told = {
            "images": [path_if_ours(url, base_url) for url in self.images],
            "files": list(self.files),
            "videos": [path_if_ours(url, base_url) for url in self.videos],
            "sounds": [path_if_ours(url, base_url) for url in self.sounds],
        }
        return {name: found for name, found in told.items() if found}


def references(model: Model, request: Generate) -> References | Problem:
    """Return a request's references, or why the model does not take them."""
    if isinstance(request, Motion):
        return References(images=(request.character_image_url,), videos=(request.motion_video_url,))
    if isinstance(request, KolAi):
        return References(images=(request.image_url,))
    if not isinstance(request, WithImages):
        raise TypeError(f"no rules for {type(request).__name__}")
    found = _images(request)
    problem = _too_many(model, request, found)
    if problem is None and isinstance(request, Video):
        problem = _unlike_its_mode(model, request, found)
    if problem is not None:
        return problem
    if isinstance(request, Seedance):
        return found._replace(videos=_one(request.video_url), sounds=_one(request.audio_url), checked=True)
    return found


def _images(request: WithImages) -> References:
    addresses = (*_listed(request.img_url), *_one(request.image_url), *(request.image_urls or ()))
    return References(
        images=tuple(dict.fromkeys(addresses)),
        files=tuple(file.sha256 for file in request.input_image or ()),
    )


def _too_many(model: Model, request: WithImages, found: References) -> Problem | None:
    # A list that is too long is refused even where it names an address twice.
    most = max(
        len(found.images) + len(found.files),
        len(_listed(request.img_url)),
        len(request.image_urls or ()),
    )
    if most <= model.images:
        return None
    takes = "1 image" if model.images == 1 else f"{model.images} images"
    return Problem("invalid_request", f"img_url: {model.id} takes at most {takes}, got {most}.", "img_url")


def _unlike_its_mode(model: Model, request: Video, found: References) -> Problem | None:
    mode = "i2v" if found.images or found.files else "t2v"
    if mode not in model.modes:
        return Problem("invalid_request", f"img_url is required: {model.id} makes videos from images only.", "img_url")
    if request.mode in {None, mode}:
        return None
    has = "an image" if mode == "i2v" else "no image"
    return Problem("invalid_request", f"mode {request.mode} does not fit a request with {has}; leave it out.", "mode")


def _listed(given: str | list[str] | None) -> tuple[str, ...]:
    return _one(given) if given is None or isinstance(given, str) else tuple(given)


def _one(given: str | None) -> tuple[str, ...]:
    return () if given is None else (given,)
