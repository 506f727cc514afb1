"""MidSync's two dialects of `/v1`: the developer docs' camelCase form and the landing page's snake_case form (D1).

A request is in the landing dialect when its query has `api_key`, `start_date` or `end_date`, or its body has
`duration_seconds`, `image_url` or `reference_task_id`.
"""

from collections.abc import Mapping
from typing import Any

from soundstage.core.call import Call, Problem
from soundstage.providers.midsync.catalogue import catalogue

_QUERY = frozenset({"api_key", "start_date", "end_date"})
_LANDING_TO_DOCS = {"duration_seconds": "duration", "image_url": "images", "reference_task_id": "referenceTaskId"}


def is_landing(call: Call) -> bool:
    """Tell which dialect a call on `/v1` is in."""
    if not call.path.startswith("/v1/"):
        return False
    if call.query and not _QUERY.isdisjoint(call.query):
        return True
    return isinstance(call.body, dict) and not _LANDING_TO_DOCS.keys().isdisjoint(call.body)


def as_docs_form(body: Any) -> dict[str, Any] | Problem:
    """Return a landing-form create body in the developer form, or the problem with it.

    ASSUMED: Runway, which the landing form cannot give `quality` or `aspectRatio`, takes `resolution` as its quality
    and 16:9 when the body names no other.
    """
    if not isinstance(body, Mapping):
        return Problem("invalid_request", "The body must be a JSON object.")
    for landing, docs in _LANDING_TO_DOCS.items():
        if docs in body:
            return Problem(
                "invalid_request",
                f"{docs} belongs to the camelCase form; this request is in the snake_case form, send {landing}.",
                docs,
            )
    changed = {name: value for name, value in body.items() if name not in _LANDING_TO_DOCS}
    for landing, docs in _LANDING_TO_DOCS.items():
        if landing in body:
            changed[docs] = [body[landing]] if docs == "images" else body[landing]
    model = changed.get("model")
    if isinstance(model, str):
        changed["model"] = catalogue().by_name.get(model, model)
    if changed.get("model") == "runway":
        changed.setdefault("quality", changed.get("resolution", "720p"))
        changed.setdefault("aspectRatio", "16:9")
    return changed
