"""API-Key's declaration: its operations, its key rules and how it words things.

Source: schemas/apikeyorg/SOURCE.md.
"""

from collections.abc import Mapping

import orjson

from soundstage.core.credentials import bearer, plain_key_fault
from soundstage.core.money import decimal_text
from soundstage.core.provider import Operation, Provider, Shape
from soundstage.core.task import Task
from soundstage.core.wallet import total
from soundstage.providers.apikeyorg import entrypoints
from soundstage.providers.apikeyorg.callbacks import CALLBACK
from soundstage.providers.apikeyorg.catalogue import catalogue
from soundstage.providers.apikeyorg.chat import chat
from soundstage.providers.apikeyorg.embeddings import embed
from soundstage.providers.apikeyorg.errors import reply_to
from soundstage.providers.apikeyorg.estimate import estimate
from soundstage.providers.apikeyorg.models import models
from soundstage.providers.apikeyorg.routing import told
from soundstage.providers.apikeyorg.status import STATES, asset_types, status
from soundstage.providers.apikeyorg.tasks import create_image, create_music, create_video

# ASSUMED: pictures may be part of a body as base64.
_WITH_PICTURES = 20_971_520


def _credential(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    # ASSUMED: Authorization wins where both headers are sent (A-KEY-02).
    if "Authorization" not in headers:
        return headers.get("x-api-key")
    # Some other scheme is a key that cannot be right, not a key left out.
    return bearer(headers) or ""


def _explain_price(task: Task) -> str:
    model = catalogue()[task.model]
    fields = orjson.loads(task.request)
    what = ", ".join(f"{name} {fields[name]}" for name in (*model.by, "duration", "n") if fields.get(name) is not None)
    reserved = decimal_text(total(task.movements, "reserve"))
    least = "" if task.cost is None else f", of which {decimal_text(task.cost)} will be settled for what is really made"
    return f"{model.name}{f' with {what}' if what else ''} is estimated at {reserved} credits{least}"


PROVIDER = Provider(
    id="apikeyorg",
    title="API-Key",
    base_url_variable="APIKEYORG_BASE_URL",
    operations=(
        Operation("listModels", "GET", "/v1/models", models, keyless=True),
        Operation("estimateCredits", "POST", "/v1/credits/estimate", estimate, "quote", body="json", keyless=True),
        Operation(
            "createChatCompletion",
            "POST",
            "/v1/chat/completions",
            chat,
            "completion",
            body="json",
            most_bytes=_WITH_PICTURES,
        ),
        Operation("createEmbedding", "POST", "/v1/embeddings", embed, "completion", body="json"),
        Operation(
            "createImageTask",
            "POST",
            "/v1/images/generations",
            create_image,
            "create",
            body="json",
            most_bytes=_WITH_PICTURES,
        ),
        Operation(
            "createVideoTask",
            "POST",
            "/v1/videos",
            create_video,
            "create",
            body="json or form",
            most_bytes=_WITH_PICTURES,
        ),
        Operation("createMusicTask", "POST", "/v1/music/generations", create_music, "create", body="json"),
        Operation("getTask", "GET", "/v1/tasks/{task_id}", status, "poll"),
        Operation("getOpenapi", "GET", entrypoints.OPENAPI, entrypoints.openapi, keyless=True),
        Operation("getDocs", "GET", entrypoints.DOCS, entrypoints.docs, keyless=True),
        Operation("getLlmsText", "GET", entrypoints.LLMS, entrypoints.llms, keyless=True),
        Operation("getApiCatalog", "GET", entrypoints.CATALOG, entrypoints.catalog, keyless=True),
        Operation("getAuthGuide", "GET", entrypoints.AUTH, entrypoints.auth, keyless=True),
    ),
    credential=_credential,
    send_key="the header Authorization: Bearer <api key>, or x-api-key: <api key>",
    # ASSUMED: API-Key publishes no key syntax; this is what common keys look like.
    key_fault=plain_key_fault,
    reply_to=reply_to,
    states=STATES,
    shape=Shape(
        task_id="task_id",
        poll_id="task_id",
        status="status",
        reason="error",
        results={"output_urls": []},
        quote="credits",
        callback_url="callback_url",
    ),
    scopes=frozenset(),
    asset_types=asset_types,
    models=lambda: frozenset(catalogue()),
    explain_price=_explain_price,
    explain_route=lambda task: told(catalogue()[task.model], task.draw),
    callback=CALLBACK,
)
