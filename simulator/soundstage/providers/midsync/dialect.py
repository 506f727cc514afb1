"""MidSync's two dialects: the developer docs' camelCase form and the landing page's snake_case form of `/v1` (D1).

A request on `/v1` is in the landing dialect when its query has `api_key`, `start_date` or `end_date`, or its body has
`duration_seconds`, `image_url` or `reference_task_id`. Fields of the two forms do not mix.
"""

from typing import Any

from soundstage.core.call import Call, Problem
from soundstage.providers.midsync.catalogue import catalogue
from soundstage.providers.midsync.wire import REQUESTS

_QUERY = frozenset({"api_key", "start_date", "end_date"})
_LANDING = {"duration_seconds": "duration", "image_url": "images", "reference_task_id": "referenceTaskId"}
_DOCS_ONLY = {
    "duration": "duration_seconds",
    "durationSeconds": "duration_seconds",
    "images": "image_url",
    "imageUrl": "image_url",
    "referenceTaskId": "reference_task_id",
    "aspectRatio": None,
    "generateAudio": None,
    "fixedLens": None,
    "nsfwChecker": None,
    "projectId": None,
    "callbackUrl": None,
    "referenceVideoUrls": None,
    "referenceIndex": None,
    "negativePrompt": None,
    "cfgScale": None,
    "quality": "resolution",
    "mode": None,
    "watermark": None,
}
# Fields some model knows in some form; of all others not even a null matters.
_KNOWN = {*_LANDING, *_DOCS_ONLY, *(name for wire in REQUESTS.values() for name in wire.model_fields)}


def is_landing(call: Call) -> bool:
    """Tell which dialect a call is in."""
    if not call.path.startswith("/v1/"):
        return False
    if call.query and not _QUERY.isdisjoint(call.query):
        return True
    return isinstance(call.body, dict) and not _LANDING.keys().isdisjoint(call.body)


def docs_form(call: Call) -> dict[str, Any] | Problem:
    """Return a create or quote body in the developer form, whichever form it came in, or the problem with it."""
    body = call.body
    if not isinstance(body, dict):
        return Problem("invalid_request", "The body must be a JSON object.")
    if None in body.values():
        name = next((name for name, value in body.items() if value is None and name in _KNOWN), None)
        if name is not None:
            return Problem("invalid_request", f"{name} must not be null; leave it out.", name)
    if is_landing(call):
        return _from_landing(body)
    if _LANDING.keys().isdisjoint(body):
        return body
    landing = next(name for name in _LANDING if name in body)
    instead = f"{landing} belongs to /v1/videos/generations; here send {_LANDING[landing]}."
    return Problem("invalid_request", instead, landing)


def _from_landing(body: dict[str, Any]) -> dict[str, Any] | Problem:
    # ASSUMED: Runway, which this form cannot give quality or aspectRatio, takes resolution as quality, and 16:9.
    for name, landing in _DOCS_ONLY.items():
        if name in body:
            instead = f"send {landing}" if landing else "leave it out, or send every field in camelCase with Bearer"
            return Problem(
                "invalid_request",
                f"{name} belongs to the camelCase form and this request is in the snake_case form; {instead}.",
                name,
            )
    changed = {name: value for name, value in body.items() if name not in _LANDING}
    for landing, docs in _LANDING.items():
        if landing in body:
            changed[docs] = [body[landing]] if docs == "images" else body[landing]
    model = changed.get("model")
    if isinstance(model, str):
        changed["model"] = catalogue().by_name.get(model, model)
    if "reference_task_id" in body and changed.get("model") != "grok-video":
        return Problem("invalid_request", "reference_task_id belongs to Grok Video; leave it out.", "reference_task_id")
    if changed.get("model") == "runway":
        changed.setdefault("quality", changed.pop("resolution", "720p"))
        changed.setdefault("aspectRatio", "16:9")
    return changed
