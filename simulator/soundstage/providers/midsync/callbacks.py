"""MidSync's callbacks.

ASSUMED: body, signature and retries are unpublished (R-MID-132, D6). The body is the status body, signed the Standard
Webhooks way, retried at that scheme's first seven steps.
"""

from collections.abc import Mapping

from soundstage.core.outbox import Delivery
from soundstage.core.provider import CallbackScheme
from soundstage.core.signing import standard_webhook
from soundstage.core.task import Task
from soundstage.core.view import Tx
from soundstage.providers.midsync.status import STATES, status_body
from soundstage.validation import compact_in_order

_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000


def _event(task: Task) -> str:
    return f"video.{STATES[task.outcome]}"


def _body(tx: Tx, task: Task, base_url: str) -> bytes:
    return compact_in_order(status_body(tx, task, base_url))


def _headers(delivery: Delivery, secret: str, timestamp: int) -> Mapping[str, str]:
    return {
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_webhook(
            secret, event_id=delivery.event_id, timestamp=timestamp, body=delivery.body
        ),
    }


CALLBACK = CallbackScheme(
    event=_event,
    body=_body,
    headers=_headers,
    retries_ms=(5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR),
)
