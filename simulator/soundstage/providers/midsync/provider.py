"""MidSync's declaration: its operations, its key rules and how it words things.

Source: schemas/midsync/SOURCE.md.
"""

from collections.abc import Mapping

import orjson

from soundstage.core.credentials import bearer, plain_key_fault
from soundstage.core.money import decimal_text
from soundstage.core.provider import Operation, Provider, Shape
from soundstage.core.task import Task
from soundstage.core.universe import Key
from soundstage.core.view import Tx
from soundstage.core.wallet import total
from soundstage.providers.midsync.callbacks import CALLBACK
from soundstage.providers.midsync.catalogue import catalogue
from soundstage.providers.midsync.create import create, quote
from soundstage.providers.midsync.errors import reply_to
from soundstage.providers.midsync.status import ASSET_TYPE, STATES, models, status
from soundstage.providers.midsync.usage import logs, summary

GENERATE, READ = "api.generate", "api.read"


def _credential(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    if "Authorization" in headers:
        return bearer(headers)
    return query.get("api_key") if path.startswith("/v1/") else None


def _explain_price(task: Task) -> str:
    model = catalogue().models[task.model]
    fields = orjson.loads(task.request)
    row = ", ".join(f"{name} {fields[name]}" for name in model.by)
    points = decimal_text(total(task.movements, "reserve"))
    return f"{model.name} with {row} costs {points} points"


def _history(tx: Tx, key: Key, rows: int) -> None:
    # Faker costs 100 ms to import; only an account with a history pays it.
    from soundstage.providers.midsync.history import fill  # noqa: PLC0415

    fill(tx, key, rows)


PROVIDER = Provider(
    id="midsync",
    title="MidSync",
    base_url_variable="MIDSYNC_BASE_URL",
    operations=(
        Operation("createVideo", "POST", "/v1/videos/generations", create, "create", scope=GENERATE, body="json"),
        Operation("generateVideo", "POST", "/unified-video/generate", create, "create", scope=GENERATE, body="json"),
        Operation("quoteVideo", "POST", "/unified-video/quote", quote, "quote", scope=GENERATE, body="json"),
        Operation("getVideoStatus", "GET", "/unified-video/{taskId}/status", status, "poll", scope=GENERATE),
        Operation("listModels", "GET", "/unified-video/models", models, scope=GENERATE),
        Operation("listUsageLogs", "GET", "/v1/usage/logs", logs, scope=READ),
        Operation("getUsageSummary", "GET", "/v1/usage/summary", summary, scope=READ),
    ),
    credential=_credential,
    # ASSUMED: MidSync publishes no key syntax; this is what common keys look like.
    key_fault=plain_key_fault,
    reply_to=reply_to,
    states=STATES,
    shape=Shape(
        task_id="taskId",
        poll_id="taskId",
        status="status",
        reason="error",
        results={"output": None, "assets": []},
        price="pointsCharged",
        quote="pointsCharged",
        callback_url="callbackUrl",
    ),
    scopes=frozenset({GENERATE, READ}),
    asset_types=lambda task: (ASSET_TYPE,),
    models=lambda: frozenset(catalogue().models),
    explain_price=_explain_price,
    callback=CALLBACK,
    history=_history,
)
