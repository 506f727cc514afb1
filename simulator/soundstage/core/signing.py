"""Sign callbacks and check the signatures of callbacks, in the two ways Soundstage's providers use.

Source: Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp`, `webhook-signature`) and R-KEY-065 of
spec/requirements.md (`x-api-key-signature`). Every function is pure: time comes in as an argument.

ASSUMED (A-KEY-06, A-KEY-07): API-Key publishes neither the key nor the encoding of its HMAC. Here the key is
the UTF-8 bytes of the secret as it is shown, `whsec_` or not, and the text is lower-case hex without prefix.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

__all__ = [
    "TOLERANCE_SECONDS",
    "SignatureError",
    "hex_hmac",
    "standard_webhook",
    "verify_hex_hmac",
    "verify_standard_webhook",
    "webhook_secret",
]

TOLERANCE_SECONDS = 300
"""How far a callback's timestamp may lie from now, either way, in seconds (Standard Webhooks)."""

_PREFIX = "whsec_"
_HEX_LENGTH = 64
# Unix seconds pass this in the year 5138; whoever sends more sends milliseconds.
_MILLISECONDS_FROM = 100_000_000_000
_TIMESTAMP_DIGITS = 18


class SignatureError(ValueError):
    """A callback that cannot be trusted; the text is one sentence saying why, free of secrets."""


def webhook_secret(material: bytes) -> str:
    """Make a Standard Webhooks secret, `whsec_` + base64 of 32 bytes, always the same for the same material.

    >>> webhook_secret(b"universe u_1, key 1")[:6]
    'whsec_'
    """
    return _PREFIX + base64.b64encode(hashlib.sha256(material).digest()).decode("ascii")


def standard_webhook(secret: str, *, event_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a callback: `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`.

    `timestamp` is in Unix seconds. Raises ValueError for a secret that is not `whsec_` + base64, an id that
    is not printable ASCII without spaces and dots (a dot would make the signed text ambiguous), and a
    negative timestamp.

    >>> standard_webhook("whsec_c2VjcmV0", event_id="msg_1", timestamp=1, body=b"{}")
    'v1,kW+83cjD04uWm7Qber/sPiCRVJ9ljbsrg8ALKAx2qMc='
    """
    key = _standard_key(secret)
    if not _is_header_token(event_id) or "." in event_id:
        raise ValueError(f"event_id must be printable ASCII without spaces and dots, not {event_id!r}")
    signed = f"{event_id}.{_non_negative(timestamp)}.".encode("ascii") + body
    return "v1," + base64.b64encode(_sha256(key, signed)).decode("ascii")


def hex_hmac(secret: str, *, timestamp: int, body: bytes) -> str:
    """Return the `x-api-key-signature` of a callback: lower-case hex of HMAC-SHA256 over `timestamp.body`.

    `timestamp` is in Unix seconds. Raises ValueError for a secret that is empty or not Unicode text, and a
    negative timestamp.

    >>> hex_hmac("whsec_c2VjcmV0", timestamp=1, body=b"{}")[:8]
    'e9a4211e'
    """
    return _sha256(_text_key(secret), b"%d." % _non_negative(timestamp) + body).hex()


def verify_standard_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: int,
    tolerance: int = TOLERANCE_SECONDS,
) -> None:
    """Accept a Standard Webhooks callback, or raise SignatureError and nothing else.

    Header names are matched without regard to case; of several signatures separated by spaces one has to
    match. `now` is in Unix seconds, `tolerance` in seconds: exactly 300 s old still passes.
    """
    try:
        key = _standard_key(secret)
    except ValueError as error:
        raise SignatureError(str(error)) from None
    event_id, timestamp, signatures = (
        _header(headers, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not _is_header_token(event_id):
        raise SignatureError("webhook-id is not printable ASCII without spaces")
    _check_age("webhook-timestamp", timestamp, now, tolerance)
    # The timestamp is signed as it was sent, so "0123" and "123" are told apart.
    expected = _sha256(key, f"{event_id}.{timestamp}.".encode("ascii") + body)
    candidates = _v1_signatures(signatures)
    # Every candidate is compared, so the time taken tells nothing about which one matched.
    if True not in [hmac.compare_digest(expected, candidate) for candidate in candidates]:
        raise SignatureError("no v1 signature matches: other secret, or changed id, timestamp or body")


def verify_hex_hmac(
    secret: str,
    signature: str,
    *,
    timestamp: str,
    body: bytes,
    now: int,
    tolerance: int = TOLERANCE_SECONDS,
) -> None:
    """Accept an API-Key callback, or raise SignatureError and nothing else.

    `signature` and `timestamp` are the two headers' texts; `now` is in Unix seconds, `tolerance` in seconds.
    """
    try:
        key = _text_key(secret)
    except ValueError as error:
        raise SignatureError(str(error)) from None
    if not signature:
        raise SignatureError("x-api-key-signature is missing")
    _check_age("x-api-key-timestamp", timestamp, now, tolerance)
    if len(signature) != _HEX_LENGTH or not set(signature) <= set("0123456789abcdef"):
        raise SignatureError("x-api-key-signature is not 64 lower-case hex digits")
    expected = _sha256(key, f"{timestamp}.".encode("ascii") + body)
    if not hmac.compare_digest(expected, bytes.fromhex(signature)):
        raise SignatureError("the signature does not match: other secret, or changed timestamp or body")


def _sha256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _standard_key(secret: str) -> bytes:
    """Decode a `whsec_` secret; base64 without its padding is accepted, as the public libraries do."""
    if not secret.startswith(_PREFIX):
        raise ValueError(f"the secret must be {_PREFIX!r} followed by base64, and it does not start so")
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:  # binascii.Error, or characters beyond ASCII
        raise ValueError(f"what follows {_PREFIX!r} in the secret must be base64, and is not") from None
    if not key:
        raise ValueError(f"what follows {_PREFIX!r} in the secret must be base64, and nothing follows")
    return key


def _text_key(secret: str) -> bytes:
    try:
        key = secret.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("the secret is not Unicode text: it holds half of a surrogate pair") from None
    if not key:
        raise ValueError("the secret is empty; anybody could sign with it")
    return key


def _non_negative(timestamp: int) -> int:
    if timestamp < 0:
        raise ValueError(f"timestamp must be Unix seconds from 0 on, not {timestamp}")
    return timestamp


def _is_header_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _header(headers: Mapping[str, str], name: str) -> str:
    """Find one header; two of a name could make us check one and the application read the other."""
    found = [value for key, value in headers.items() if key.lower() == name]
    if not found or not found[0]:
        raise SignatureError(f"{name} is missing")
    if len(found) > 1:
        raise SignatureError(f"{name} came more than once")
    return found[0]


def _check_age(name: str, timestamp: str, now: int, tolerance: int) -> None:
    # str.isdigit alone would let "²" through, which int() then refuses with its own error.
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
        raise SignatureError(f"{name} is missing" if not timestamp else f"{name} is not whole Unix seconds")
    sent = int(timestamp)
    if sent >= _MILLISECONDS_FROM:
        raise SignatureError(f"{name} is in milliseconds, it must be in seconds")
    if abs(now - sent) > tolerance:
        when = f"{now - sent} s ago" if now > sent else f"{sent - now} s in the future"
        raise SignatureError(f"{name} is {when}, more than the {tolerance} s tolerated")


def _v1_signatures(header: str) -> list[bytes]:
    """Decode the v1 signatures of a header; other versions are somebody else's and skipped."""
    texts = [part[3:] for part in header.split(" ") if part.startswith("v1,")]
    if not texts:
        raise SignatureError("webhook-signature holds no signature of the form v1,<base64>")
    decoded = []
    for text in texts:
        try:
            decoded.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue  # a broken one beside a good one is no reason to refuse the good one
    if not decoded:
        raise SignatureError("webhook-signature is not base64 after v1,")
    return decoded
