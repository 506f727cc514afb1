"""The /v2 gateway's declaration: its two operations, its key rules and how it words things.

Source: schemas/v2gateway/SOURCE.md. A key registered with the plan `six-states` sees the two further words of the wider
family, SUBMITTED and QUEUED, between NOT_START and IN_PROGRESS; every other key sees the document's four.
"""

from collections.abc import Mapping

import orjson

from soundstage.core.credentials import bearer, plain_key_fault
from soundstage.core.money import decimal_text
from soundstage.core.provider import Operation, Provider, Shape
from soundstage.core.task import Task
from soundstage.core.wallet import total
from soundstage.providers.v2gateway.callbacks import CALLBACK
from soundstage.providers.v2gateway.catalogue import NAMES
from soundstage.providers.v2gateway.create import submit
from soundstage.providers.v2gateway.errors import reply_to
from soundstage.providers.v2gateway.status import SIX_STATES, STATES, asset_type, status

# ASSUMED: images come as base64 in the body (R-V2-016), so a body may have 32 MiB.
_WITH_PICTURES = 33_554_432


def _credential(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    return bearer(headers)


def _explain_price(task: Task) -> str:
    mode = orjson.loads(task.request)["mode"]
    price = decimal_text(total(task.movements, "reserve"))
    return f"{task.model}, {mode}, costs {price} credits, an invented price that clients of this gateway never see"


PROVIDER = Provider(
    id="v2gateway",
    title="/v2 gateway",
    base_url_variable="V2GATEWAY_BASE_URL",
    operations=(
        Operation(
            "submitTask", "POST", "/v2/{scope}/generations", submit, "create", body="json", most_bytes=_WITH_PICTURES
        ),
        Operation("getTask", "GET", "/v2/{scope}/generations/{task_id}", status, "poll"),
    ),
    credential=_credential,
    # ASSUMED: no key syntax is published; this is what common keys look like.
    key_fault=plain_key_fault,
    reply_to=reply_to,
    states=STATES,
    shape=Shape(
        task_id="task_id",
        poll_id="task_id",
        status="status",
        reason="fail_reason",
        no_reason="",
        results={"data.output": "", "data.outputs": []},
        progress="progress",
        callback_url="notify_hook",
    ),
    scopes=frozenset(),
    asset_types=lambda task: (asset_type(task),),
    models=lambda: NAMES,
    plans=lambda: frozenset({SIX_STATES}),
    explain_price=_explain_price,
    # ASSUMED: the least wait of the back-off that one consumer recommends is what the gateway wants.
    poll_seconds=2.0,
    callback=CALLBACK,
)
