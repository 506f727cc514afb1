"""MidSync's quote and create: one reading of the body, one price, and only create makes a task (D2, R-MID-074)."""

from typing import Any, NamedTuple

from soundstage.core import task as tasks
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.limits import model_problem
from soundstage.core.money import decimal_text, number
from soundstage.core.universe import draw_for
from soundstage.core.view import Tx
from soundstage.core.wallet import covers, reserved, the_wallet
from soundstage.lifecycle import first_word
from soundstage.providers.midsync.catalogue import Model, catalogue
from soundstage.providers.midsync.dialect import docs_form, is_landing
from soundstage.providers.midsync.errors import reply_to
from soundstage.providers.midsync.wire import REQUESTS, Common, Grok
from soundstage.validation import compact, ignored, path_if_ours, read, shown, warning_headers

OPERATION = "createVideo"
# ASSUMED: a task is `submitted` for the first tenth of its run, and runs 80 % to 110 % of its estimate.
_WAITING_SHARE = 10
_SHORTEST, _LONGEST = 80, 110


class Priced(NamedTuple):
    """A body that passed all rules of its model, with its price in micros."""

    model: Model
    request: Common
    price: int
    warning: str | None


def priced(call: Call, tx: Tx) -> Priced | Problem:
    """Return what a body asks for and costs, or the problem with it."""
    body = docs_form(call)
    if isinstance(body, Problem):
        return body
    model_id = body.get("model")
    wire = REQUESTS.get(model_id) if isinstance(model_id, str) else None
    if wire is None:
        return _no_model(body)
    request = read(wire, body)
    if isinstance(request, Problem):
        return request
    if isinstance(request, Grok) and request.referenceTaskId is not None:
        known = tasks.find(tx, request.referenceTaskId, "midsync")
        if known is None or known.key_id != call.key.id:
            name = "reference_task_id" if is_landing(call) else "referenceTaskId"
            return Problem("invalid_request", f"{name} must be the id of a task of yours.", name)
    model = catalogue().models[request.model]
    barred = model_problem(call.key, model.id)
    if barred is not None:
        return barred
    price = model.rows[tuple(getattr(request, name) for name in model.by)]
    return Priced(model, request, price, ignored(wire, body))


def quote(call: Call, tx: Tx) -> Reply:
    """POST /unified-video/quote: what create would charge for this body; nothing is charged (R-MID-070..075)."""
    wanted = priced(call, tx)
    if isinstance(wanted, Problem):
        return reply_to(wanted)
    points = number(wanted.price)
    body = {"success": True, "model": wanted.model.id, "pointsCharged": points}
    return Reply(body, headers=warning_headers(wanted.warning))


def create(call: Call, tx: Tx) -> Reply:
    """POST /v1/videos/generations and /unified-video/generate: reserve the points and start the task."""
    wanted = priced(call, tx)
    if isinstance(wanted, Problem):
        return reply_to(wanted)
    if not covers(tx, call.key.wallet, wanted.price):
        has = decimal_text(the_wallet(tx, call.key.wallet).available)
        costs = decimal_text(wanted.price)
        return reply_to(Problem("insufficient_credit", f"This request costs {costs} points, the account has {has}."))
    model, request = wanted.model, wanted.request
    canonical = _canonical(request, call.base_url)
    draw = draw_for(tx, OPERATION, canonical)
    whole_run = model.estimated_seconds * 10 * draw.between("run", _SHORTEST, _LONGEST)
    order = tasks.Order(
        provider="midsync",
        operation=OPERATION,
        kind=model.modality,
        model=model.id,
        request=canonical,
        price=wanted.price,
        delay_ms=whole_run // _WAITING_SHARE,
        run_ms=whole_run - whole_run // _WAITING_SHARE,
        callback_url=request.callbackUrl,
    )
    ids = draw.hex("ids", 48)
    task = tasks.create(tx, call.key, order, f"gen_{ids[:24]}")
    if is_landing(call):
        return Reply(
            {"task_id": task.id, "status": first_word("midsync", "landing")}, headers=warning_headers(wanted.warning)
        )
    return Reply(_created(task, wanted, f"up_{ids[24:]}"), headers=warning_headers(wanted.warning))


def _created(task: tasks.Task, wanted: Priced, upstream_id: str) -> dict[str, Any]:
    return {
        "success": True,
        "taskId": task.id,
        "providerTaskId": upstream_id,
        "model": wanted.model.id,
        "providerModel": wanted.model.provider_model,
        "pointsCharged": number(reserved(task.movements)),
        "status": first_word("midsync", "developer"),
        "estimatedTime": wanted.model.estimated_text,
        "estimatedTimeSec": wanted.model.estimated_seconds,
    }


def _canonical(request: Common, base_url: str) -> bytes:
    fields = request.__dict__.copy()
    del fields["callbackUrl"]
    if request.images:
        fields["images"] = [path_if_ours(url, base_url) for url in fields["images"]]
    return compact(fields)


def _no_model(body: dict[str, Any]) -> Problem:
    known = ", ".join(REQUESTS)
    if "model" not in body:
        return Problem("invalid_request", f"model is required; send one of {known}.", "model")
    hint = catalogue().by_name.get(body["model"]) if isinstance(body["model"], str) else None
    meant = f" (did you mean {hint}?)" if hint else ""
    return Problem("invalid_request", f"model must be one of {known}, got {shown(body['model'])}{meant}.", "model")
