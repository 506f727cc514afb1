"""API-Key's estimate: what a task would cost, for anybody who asks; nothing is created or charged (R-KEY-030..036).

ASSUMED: the reply, of which nothing is published (R-KEY-036); it never refuses for its `max_credits` (A-KEY-03).
"""

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.money import number
from soundstage.core.view import Tx
from soundstage.providers.apikeyorg.catalogue import TASK_CATEGORIES, Model
from soundstage.providers.apikeyorg.errors import reply_to
from soundstage.providers.apikeyorg.pricing import as_sent, longest, price, within
from soundstage.providers.apikeyorg.wanted import find_model, fit
from soundstage.providers.apikeyorg.wire import Estimate
from soundstage.validation import read, warned


def estimate(call: Call, tx: Tx) -> Reply:
    """POST /v1/credits/estimate: the credits a create with these fields would reserve."""
    model = find_model(call.body, call.key, *TASK_CATEGORIES)
    if isinstance(model, Problem):
        return reply_to(model)
    request = read(Estimate, call.body)
    if isinstance(request, Problem):
        return reply_to(request)
    problem = _misfit(model, request)
    if problem is not None:
        return reply_to(problem)
    costs = price(
        model,
        seconds=longest(model, request.duration),
        resolution=request.resolution or model.data.get("default_resolution"),
        input_mode=request.input_mode or "text-to-video",
        count=request.n or 1,
    )
    most = request.max_credits
    body = {
        "object": "gateway.credits.estimate",
        "model": model.id,
        "modality": model.category,
        "credits": number(costs),
        "currency": "credits",
        "max_credits": None if most is None else as_sent(most),
        "within_budget": None if most is None else within(costs, most),
    }
    return Reply(body, headers=warned(Estimate, call.body))


def _misfit(model: Model, request: Estimate) -> Problem | None:
    if request.modality not in {None, model.category}:
        message = f"modality {request.modality} does not fit {model.id}, which makes {model.category}."
        return Problem("invalid_request", message, "modality")
    if request.n is not None and model.category != "image":
        return Problem("invalid_request", f"n has no meaning for {model.id}; leave it out.", "n")
    return fit(model, seconds=request.duration, resolution=request.resolution, input_mode=request.input_mode)
