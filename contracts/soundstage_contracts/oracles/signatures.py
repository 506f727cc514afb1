"""Judges signatures of callbacks by the published schemes, over the bytes as they came.

Source: R-KEY-065 (API-Key's own scheme); https://www.standardwebhooks.com (MidSync, an assumption).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from soundstage_contracts.receiver import Callback
from soundstage_contracts.verdict import Broken


def check_standard(callback: Callback, secret: str) -> None:
    """Raise Broken unless one of the v1 signatures is that of `id.timestamp.body` under the `whsec_` secret."""
    name, stamp = _needed(callback, "webhook-id"), _needed(callback, "webhook-timestamp")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise Broken("the webhook secret is not whsec_ and base64") from None
    right = hmac.new(key, f"{name}.{stamp}.".encode() + callback.body, hashlib.sha256).digest()
    given = [one.removeprefix("v1,") for one in _needed(callback, "webhook-signature").split() if one.startswith("v1,")]
    wanted = base64.b64encode(right).decode()
    if not any(hmac.compare_digest(wanted, one) for one in given):
        raise Broken("webhook-signature is not that of webhook-id, webhook-timestamp and the body")


def check_api_key(callback: Callback, secret: str) -> None:
    """Raise Broken unless x-api-key-signature is the hex HMAC-SHA256 of the header's timestamp, a dot and the body."""
    stamp = _needed(callback, "x-api-key-timestamp")
    right = hmac.new(secret.encode(), stamp.encode() + b"." + callback.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, _needed(callback, "x-api-key-signature")):
        raise Broken("x-api-key-signature is not that of x-api-key-timestamp and the body")


def _needed(callback: Callback, name: str) -> str:
    value = callback.header(name)
    if value is None:
        raise Broken(f"the callback has no header {name}")
    if not value.isascii():
        raise Broken(f"the callback's header {name} is not plain text")
    return value
