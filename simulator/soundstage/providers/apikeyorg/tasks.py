"""Creates API-Key's tasks: one reading of the body, the budget guard, then reserve and start (R-KEY-024..048)."""

from functools import partial

from soundstage.core import task as tasks
from soundstage.core.call import Call, Problem, Reply
from soundstage.core.money import decimal_text
from soundstage.core.provider import Handler
from soundstage.core.randomness import Draw
from soundstage.core.universe import draw_for
from soundstage.core.view import Tx
from soundstage.core.wallet import covers
from soundstage.providers.apikeyorg.catalogue import Category
from soundstage.providers.apikeyorg.errors import INSUFFICIENT, reply_to
from soundstage.providers.apikeyorg.pricing import as_sent, longest, price, within
from soundstage.providers.apikeyorg.routing import route
from soundstage.providers.apikeyorg.status import created_body, made_seconds
from soundstage.providers.apikeyorg.wanted import Wanted, find_model, wanted
from soundstage.providers.apikeyorg.wire import ImageTask, Music, TaskRequest, Video
from soundstage.validation import compact, read, warned

# ASSUMED: a task is pending for a tenth of its run, and runs 80 % to 110 % of its estimate.
_PENDING_SHARE = 10
_SHORTEST, _LONGEST = 80, 110


def _create(category: Category, wire: type[TaskRequest], call: Call, tx: Tx) -> Reply:
    model = find_model(call.body, call.key, category)
    if isinstance(model, Problem):
        return reply_to(model)
    request = read(wire, call.body)
    if isinstance(request, Problem):
        return reply_to(request)
    asked = wanted(model, request, call.base_url)
    if isinstance(asked, Problem):
        return reply_to(asked)
    reserve = _price(asked, longest(model, asked.seconds))
    if request.max_credits is not None and not within(reserve, request.max_credits):
        return reply_to(_over_budget(reserve, request.max_credits))
    if not covers(tx, call.key.wallet, reserve):
        return reply_to(INSUFFICIENT)
    task = _start(call, tx, asked, reserve, request.callback_url)
    return Reply(created_body(task), headers=warned(wire, call.body))


def _start(call: Call, tx: Tx, asked: Wanted, reserve: int, callback_url: str | None) -> tasks.Task:
    model = asked.model
    operation = f"create{model.category.capitalize()}Task"
    canonical = compact(asked.fields)
    task_id = f"task_{draw_for(tx, operation, canonical).hex('id', 24)}"
    draw = Draw(task_id)
    cost = _price(asked, made_seconds(model, asked.seconds, draw))
    run = model.estimated_ms * draw.between("run", _SHORTEST, _LONGEST) // 100
    order = tasks.Order(
        provider="apikeyorg",
        operation=operation,
        kind=model.category,
        model=model.id,
        request=canonical,
        price=reserve,
        delay_ms=run // _PENDING_SHARE + sum(one.wait_ms for one in route(model, draw)),
        run_ms=run - run // _PENDING_SHARE,
        callback_url=callback_url,
        cost=cost if cost < reserve else None,
    )
    return tasks.create(tx, call.key, order, task_id)


def _price(asked: Wanted, seconds: int | None) -> int:
    return price(
        asked.model,
        seconds=seconds,
        resolution=asked.resolution,
        input_mode=asked.input_mode,
        count=asked.files,
    )


def _over_budget(reserve: int, most: float) -> Problem:
    return Problem(
        "over_budget",
        f"The estimate of {decimal_text(reserve)} credits exceeds max_credits, {as_sent(most)}. "
        "Nothing was created; raise max_credits or ask for less.",
        "max_credits",
    )


create_video: Handler = partial(_create, "video", Video)
create_image: Handler = partial(_create, "image", ImageTask)
create_music: Handler = partial(_create, "music", Music)
