"""API-Key's callbacks: the finished task, signed with hexadecimal HMAC over the timestamp and the raw body.

Source: R-KEY-060..065. ASSUMED: the body is the one a poll shows (A-KEY-09), the key of the HMAC is the UTF-8 text of a
secret per key (A-KEY-06), and the retries.
"""

from collections.abc import Mapping
from hashlib import sha256

from soundstage.core.outbox import Delivery
from soundstage.core.provider import CallbackScheme
from soundstage.core.signing import hex_hmac
from soundstage.core.task import Task
from soundstage.core.view import Tx
from soundstage.lifecycle import event_name
from soundstage.providers.apikeyorg.status import STATES, task_body
from soundstage.validation import compact_in_order

_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000


def _event(task: Task) -> str:
    return event_name("apikeyorg", STATES[task.outcome])


def _body(tx: Tx, task: Task, base_url: str) -> bytes:
    return compact_in_order(task_body(tx, task, base_url))


def _headers(delivery: Delivery, secret: str, timestamp: int) -> Mapping[str, str]:
    return {
        "x-api-key-event": delivery.event,
        "x-api-key-task-id": delivery.task_id,
        "x-api-key-timestamp": str(timestamp),
        "x-api-key-signature": hex_hmac(secret, timestamp=timestamp, body=delivery.body),
    }


def _secret(material: bytes) -> str:
    return f"sec_{sha256(material).hexdigest()[:48]}"


CALLBACK = CallbackScheme(
    event=_event,
    body=_body,
    headers=_headers,
    retries_ms=(10 * _SECOND, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR),
    secret=_secret,
)
