"""The /v2 gateway's callbacks: the ended task, posted to its notify_hook with the body of a poll.

Source: R-V2-074. ASSUMED: only the end is reported, nothing is signed (no page tells of a signature), and the retries.
"""

from collections.abc import Mapping

from soundstage.core.outbox import Delivery
from soundstage.core.provider import CallbackScheme
from soundstage.core.task import Task
from soundstage.core.view import Tx
from soundstage.providers.v2gateway.status import STATES, task_body
from soundstage.validation import compact_in_order

_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000


def _event(task: Task) -> str:
    return f"task.{STATES[task.outcome]}"


def _body(tx: Tx, task: Task, base_url: str) -> bytes:
    return compact_in_order(task_body(tx, task, base_url))


def _headers(delivery: Delivery, secret: str, timestamp: int) -> Mapping[str, str]:
    return {}


CALLBACK = CallbackScheme(
    event=_event,
    body=_body,
    headers=_headers,
    retries_ms=(10 * _SECOND, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR),
)
