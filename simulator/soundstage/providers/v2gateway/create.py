"""Submits the /v2 gateway's tasks: one reading of the body for all scopes, then reserve and start (R-V2-001..032)."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from soundstage.core import task as tasks
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.limits import model_problem
from soundstage.core.randomness import Draw
from soundstage.core.universe import draw_for
from soundstage.core.view import Tx
from soundstage.core.wallet import covers
from soundstage.providers.v2gateway.catalogue import Scope, Terms, scopes
from soundstage.providers.v2gateway.errors import INSUFFICIENT, no_such_scope, reply_to
from soundstage.providers.v2gateway.wire import Submit
from soundstage.validation import compact, path_if_ours, read

_IN_AN_ID = re.compile(r"[A-Za-z0-9._-]+")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# A task remembers its request for good, and a picture in base64 may have megabytes: what is longer leaves its digest.
_MOST_KEPT = 8192
_MOST_KEPT_OF_A_REFERENCE = 2048


def submit(call: Call, tx: Tx) -> Reply:
    """POST /v2/{scope}/generations: reserve the credits and start the task."""
    scope = scopes().get(call.params["scope"])
    if scope is None:
        return reply_to(no_such_scope(call.params["scope"], ", ".join(scopes())))
    given = _filled(call.body)
    request = read(Submit, given)
    if isinstance(request, Problem):
        return reply_to(request)
    problem = model_problem(call.key, request.model)
    if problem is not None:
        return reply_to(problem)
    canonical = _canonical(scope, request, given, call.base_url)
    terms = scope.terms(request.model)
    if not covers(tx, call.key.wallet, terms.price):
        return reply_to(INSUFFICIENT)
    order = tasks.Order(
        provider="v2gateway",
        operation="submitTask",
        kind=scope.media,
        model=request.model,
        request=canonical,
        price=terms.price,
        delay_ms=scope.queued_ms,
        run_ms=terms.run_ms,
        callback_url=request.notify_hook,
    )
    task_id = _task_id(terms, request.model, draw_for(tx, "submitTask", canonical), tx.now)
    return Reply({"task_id": tasks.create(tx, call.key, order, task_id).id})


def _filled(body: Any) -> Any:
    """Return a body without what counts as left out: null and the empty text (A-V2-06)."""
    if not isinstance(body, Mapping):
        return body
    return {name: value for name, value in body.items() if value is not None and value != ""}


def _canonical(scope: Scope, request: Submit, given: Mapping[str, Any], base_url: str) -> bytes:
    """Return what a task remembers of its request, fields of the model's own included."""
    other = {
        name: path_if_ours(value, base_url) if isinstance(value, str) else value
        for name, value in given.items()
        if name not in Submit.model_fields
    }
    fields = request.model_dump(exclude={"prompt", "images", "videos", "notify_hook"})
    return compact(
        {
            **fields,
            "scope": scope.id,
            "mode": f"{request.source}-to-{scope.media}",
            "prompt": _kept(request.prompt, _MOST_KEPT),
            "images": [_reference(one, base_url) for one in request.images],
            "videos": [_reference(one, base_url) for one in request.videos],
            "other": _kept(other, _MOST_KEPT),
        }
    )


def _reference(given: str, base_url: str) -> str:
    kept: str = _kept(path_if_ours(given, base_url), _MOST_KEPT_OF_A_REFERENCE)
    return kept


def _kept(value: Any, most: int) -> Any:
    raw = value.encode() if isinstance(value, str) else compact(value)
    return value if len(raw) <= most else f"sha256:{sha256(raw).hexdigest()}"


def _task_id(terms: Terms, model: str, draw: Draw, now: int) -> str:
    if terms.id_has_model and _IN_AN_ID.fullmatch(model):
        return f"{model}:{now // 1000}-{''.join(draw.pick(f'id {place}', _LETTERS) for place in range(10))}"
    digits = draw.hex("id", 32)
    # The version and variant digits of a random UUID, which strict clients check.
    variant = draw.pick("variant", "89ab")
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
