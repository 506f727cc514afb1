"""Creates RevidAPI's jobs: one reading of the body, a price row, a place, then the charge (R-REV-030..034, 227)."""

from functools import partial
from math import ceil
from typing import Any, NamedTuple

from soundstage.core import task as tasks
from soundstage.core import uploads
from soundstage.core.call import Call, Form, Problem, Reply
from soundstage.core.limits import model_problem
from soundstage.core.money import decimal_text, number
from soundstage.core.provider import Handler
from soundstage.core.randomness import Draw
from soundstage.core.slots import SlotLimits, place_for, slots_of
from soundstage.core.universe import Key, draw_for
from soundstage.core.view import Tx
from soundstage.core.wallet import reserved, the_wallet
from soundstage.providers.revidapi.catalogue import Model, catalogue, default_models, server_percent
from soundstage.providers.revidapi.errors import reply_to
from soundstage.providers.revidapi.jobs import STATES
from soundstage.providers.revidapi.limits import slot_limits
from soundstage.providers.revidapi.pricing import Choice, choose, price
from soundstage.providers.revidapi.references import NOT_ELIGIBLE, References, references
from soundstage.providers.revidapi.wire import Generate, Image, KolAi, Motion, Seedance, Video, plain
from soundstage.validation import compact, ignored, read, shown, warning_headers

# ASSUMED: a job is pending for a tenth of its time, and takes 85 % to 100 % of what its server needs for it.
_PENDING_SHARE = 10
_SHORTEST, _LONGEST = 85, 100


class _Wanted(NamedTuple):
    """What a request asks for, judged and priced (micros)."""

    model: Model
    choice: Choice
    references: References
    price: int
    fields: dict[str, Any]


def _create(operation: str, wire: type[Generate], call: Call, tx: Tx) -> Reply:
    body = plain(call.body)
    wanted = _wanted(wire, body, call, tx)
    if isinstance(wanted, Problem):
        return reply_to(wanted)
    allowed = slot_limits(call.key)
    problem = _not_covered(tx, call.key, wanted.price) or _no_place(tx, call.key, wanted.model.slot, allowed)
    if problem is not None:
        return reply_to(problem)
    task = _start(operation, call, tx, wanted, allowed)
    created = {
        "job_id": task.id,
        "status": STATES["waiting"],
        "cost": number(reserved(task.movements)),
        "balance_remaining": number(the_wallet(tx, call.key.wallet).available),
    }
    return Reply(created, headers=warning_headers(ignored(wire, body), _without_effect(wanted)))


def _wanted(wire: type[Generate], body: Any, call: Call, tx: Tx) -> _Wanted | Problem:
    model = _find_model(body, call.path, call.key)
    if isinstance(model, Problem):
        return model
    request = read(wire, body)
    if isinstance(request, Problem):
        return request
    choice = choose(model, request)
    if isinstance(choice, Problem):
        return choice
    found = references(model, request)
    if isinstance(found, Problem):
        return found
    seconds = _sound_seconds(tx, call.key, request.audio_id) if isinstance(request, KolAi) else None
    if isinstance(seconds, Problem):
        return seconds
    fields = {
        "model": model.id,
        "prompt": getattr(request, "prompt", None),
        "server": choice.row.server,
        "key": choice.row.key,
        **choice.values,
        **found.named(call.base_url),
    }
    if isinstance(request, KolAi):
        fields |= {"audio_id": request.audio_id, "seconds": seconds}
    return _Wanted(model, choice, found, price(model, choice.row, seconds), fields)


def _find_model(body: Any, path: str, key: Key) -> Model | Problem:
    """Return the model a body names, if this path makes it and the key may use it."""
    name = body.get("model") if isinstance(body, dict) else None
    if isinstance(name, list) and len(name) == 1 and isinstance(body, Form):
        name = name[0]
    if name is None and isinstance(body, dict):
        name = default_models().get(path)
    if not isinstance(name, str):
        known = ", ".join(model.id for model in catalogue().values() if model.endpoint == path)
        if not isinstance(body, dict):
            return Problem("invalid_request", f"The body must be a JSON object or a form, got {shown(body)}.")
        return Problem("invalid_request", f"model is required; send one of {known}.", "model")
    model = catalogue().get(name)
    if model is None:
        return Problem("invalid_request", f"Unsupported model: {name[:60]}", "model")
    if model.endpoint != path:
        return Problem("invalid_request", f"{model.id} is generated at {model.endpoint}.", "model")
    return model_problem(key, model.id) or model


def _sound_seconds(tx: Tx, key: Key, audio_id: str) -> int | Problem:
    """Return the started seconds of an audio upload of the account (R-REV-095)."""
    upload = uploads.find(tx, audio_id.replace("aud_", "up_", 1), key) if audio_id.startswith("aud_") else None
    if upload is None or upload.kind != "audio" or upload.provider != "revidapi":
        message = "audio_id must be the audio_id of an audio upload; its status shows it once it is completed."
        return Problem("invalid_request", message, "audio_id")
    seconds = None if upload.blob is None else upload.blob.seconds
    state = upload.state(tx.now)
    if state != "ready" or seconds is None:
        message = f"audio_id: this upload is {state}, not completed; wait until GET its status says so."
        return Problem("invalid_request", message, "audio_id")
    return max(1, ceil(seconds))


def _not_covered(tx: Tx, key: Key, cost: int) -> Problem | None:
    available = the_wallet(tx, key.wallet).available
    if available >= cost:
        return None
    whose = "user balance" if key.kind == "shared" else "balance"
    return Problem(
        "insufficient_credit",
        f"Insufficient {whose}. Required: {decimal_text(cost)}, Available: {decimal_text(available)}",
    )


def _no_place(tx: Tx, key: Key, kind: str, allowed: SlotLimits) -> Problem | None:
    if place_for(tx, key.account, kind, allowed) is not None:
        return None
    waiting = len(slots_of(tx, key.account).waiting)
    return Problem("rate_limited", f"Queue full ({waiting}/{allowed.queue})")


def _start(operation: str, call: Call, tx: Tx, wanted: _Wanted, allowed: SlotLimits) -> tasks.Task:
    canonical = compact(wanted.fields)
    task_id = f"job_{draw_for(tx, operation, canonical).hex('id', 24)}"
    row, model = wanted.choice.row, wanted.model
    estimate = model.estimated_ms[wanted.choice.values.get("speed")] * server_percent()[row.server] // 100
    whole = estimate * Draw(task_id).between("time", _SHORTEST, _LONGEST) // 100
    delay = whole // _PENDING_SHARE
    passes = wanted.references.eligible
    order = tasks.Order(
        provider="revidapi",
        operation=operation,
        kind=model.type,
        model=model.id,
        request=canonical,
        price=wanted.price,
        delay_ms=delay,
        run_ms=whole - delay if passes else 0,
        outcome="succeeded" if passes else "failed",
        reason=None if passes else NOT_ELIGIBLE,
        slot=model.slot,
        limits=allowed,
    )
    return tasks.create(tx, call.key, order, task_id)


def _without_effect(wanted: _Wanted) -> str | None:
    """Return the names of the fields that this model does not have."""
    lost = wanted.choice.without_effect
    return f"no effect for {wanted.model.id} here: {', '.join(lost)}" if lost else None


create_image: Handler = partial(_create, "generateImage", Image)
create_video: Handler = partial(_create, "generateVideo", Video)
create_seedance: Handler = partial(_create, "generateSeedance", Seedance)
create_motion: Handler = partial(_create, "generateMotion", Motion)
create_kol_ai: Handler = partial(_create, "generateKolAi", KolAi)
