"""Callback signatures: the published vectors, two independent libraries, and every way to be wrong."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import freezegun
import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.signing import (
    SignatureError,
    hex_hmac,
    standard_webhook,
    verify_hex_hmac,
    verify_standard_webhook,
    webhook_secret,
)

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
NOW = 1_780_666_146
SECRET = webhook_secret(b"tests")
BODIES = [b"{}", b'{"a": 1}', '{"prompt":"Füchse 跳舞 🎬"}'.encode(), b'{"a":\r\n "1.2.3"}\n']


def vectors(name: str) -> list[Any]:
    """Load one file of vectors as pytest parameters; their signatures were made with openssl."""
    loaded = json.loads((VECTORS / name).read_text("utf-8"))["vectors"]
    return [pytest.param(vector, id=vector["name"]) for vector in loaded]


def callback(body: bytes = b"{}", *, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    """Make the three headers of a correctly signed callback."""
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": standard_webhook(secret, event_id="msg_1", timestamp=at, body=body),
    }


@pytest.fixture
def frozen() -> Iterator[None]:
    """Hold the machine's time at NOW, for the judges that read it themselves."""
    with freezegun.freeze_time(datetime.fromtimestamp(NOW, UTC), real_asyncio=True):
        yield


@pytest.mark.parametrize("vector", vectors("standard_webhooks.json"))
def test_standard_signature_equals_the_vector_and_verifies(vector: dict[str, Any]) -> None:
    body = base64.b64decode(vector["body_base64"])
    made = standard_webhook(vector["secret"], event_id=vector["event_id"], timestamp=vector["timestamp"], body=body)
    assert made == vector["signature"]
    headers = {
        "webhook-id": vector["event_id"],
        "webhook-timestamp": str(vector["timestamp"]),
        "webhook-signature": vector["signature"],
    }
    verify_standard_webhook(vector["secret"], headers, body, now=vector["timestamp"])
    with pytest.raises(SignatureError, match="no v1 signature matches"):
        verify_standard_webhook(vector["secret"], headers, body + b" ", now=vector["timestamp"])


@pytest.mark.parametrize("vector", vectors("api_key_hmac.json"))
def test_hex_signature_equals_the_vector_and_verifies(vector: dict[str, Any]) -> None:
    body, at = base64.b64decode(vector["body_base64"]), vector["timestamp"]
    assert hex_hmac(vector["secret"], timestamp=at, body=body) == vector["signature"]
    verify_hex_hmac(vector["secret"], vector["signature"], timestamp=str(at), body=body, now=at)
    with pytest.raises(SignatureError, match="does not match"):
        verify_hex_hmac(vector["secret"], vector["signature"], timestamp=str(at), body=body + b" ", now=at)


@pytest.mark.parametrize("judge", [standardwebhooks.Webhook, svix.Webhook])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.usefixtures("frozen")
def test_independent_libraries_accept_ours_and_we_accept_theirs(judge: Any, body: bytes) -> None:
    judge(SECRET).verify(body, callback(body))
    theirs = judge(SECRET).sign("msg_2", datetime.fromtimestamp(NOW, UTC), body.decode())
    headers = {"Webhook-Id": "msg_2", "Webhook-Timestamp": str(NOW), "Webhook-Signature": theirs}
    verify_standard_webhook(SECRET, headers, body, now=NOW)


@pytest.mark.parametrize("judge", [standardwebhooks.Webhook, svix.Webhook])
@pytest.mark.usefixtures("frozen")
def test_independent_libraries_refuse_what_we_refuse(judge: Any) -> None:
    for tampered, body in [
        (callback() | {"webhook-id": "msg_other"}, b"{}"),
        (callback() | {"webhook-timestamp": str(NOW + 1)}, b"{}"),
        (callback(secret=webhook_secret(b"another")), b"{}"),
        (callback(), b'{"amount": 0}'),
        (callback(at=NOW - 301), b"{}"),
        (callback(at=NOW + 301), b"{}"),
    ]:
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            judge(SECRET).verify(body, tampered)
        with pytest.raises(SignatureError):
            verify_standard_webhook(SECRET, tampered, body, now=NOW)


@pytest.mark.parametrize("age", [-299, 0, 299, -300, 300])
def test_a_callback_up_to_five_minutes_off_is_accepted(age: int) -> None:
    verify_standard_webhook(SECRET, callback(at=NOW - age), b"{}", now=NOW)
    signature = hex_hmac("s", timestamp=NOW - age, body=b"{}")
    verify_hex_hmac("s", signature, timestamp=str(NOW - age), body=b"{}", now=NOW)


@pytest.mark.parametrize(("age", "words"), [(301, "301 s ago"), (-301, "301 s in the future")])
def test_a_callback_over_five_minutes_off_is_refused_with_its_age(age: int, words: str) -> None:
    with pytest.raises(SignatureError, match=words):
        verify_standard_webhook(SECRET, callback(at=NOW - age), b"{}", now=NOW)
    signature = hex_hmac("s", timestamp=NOW - age, body=b"{}")
    with pytest.raises(SignatureError, match=words):
        verify_hex_hmac("s", signature, timestamp=str(NOW - age), body=b"{}", now=NOW)


def test_the_tolerance_can_be_narrowed() -> None:
    verify_standard_webhook(SECRET, callback(at=NOW - 5), b"{}", now=NOW, tolerance=5)
    with pytest.raises(SignatureError, match="more than the 4 s"):
        verify_standard_webhook(SECRET, callback(at=NOW - 5), b"{}", now=NOW, tolerance=4)


def test_one_good_signature_among_several_is_enough() -> None:
    good = callback()["webhook-signature"]
    old = standard_webhook(webhook_secret(b"old"), event_id="msg_1", timestamp=NOW, body=b"{}")
    for several in (f"{old} {good}", f"{good} {old}", f"v1a,xyz v1,%%% {good}", f"  {good} "):
        verify_standard_webhook(SECRET, callback() | {"webhook-signature": several}, b"{}", now=NOW)
    with pytest.raises(SignatureError, match="no v1 signature matches"):
        verify_standard_webhook(SECRET, callback() | {"webhook-signature": f"{old} {old}"}, b"{}", now=NOW)


WRONG_HEADERS = [
    ("webhook-id", "", "webhook-id is missing"),
    ("webhook-id", "msg 1", "webhook-id is not printable ASCII"),
    ("webhook-id", "msg_é", "webhook-id is not printable ASCII"),
    ("webhook-id", "msg_\udc80", "webhook-id is not printable ASCII"),
    ("webhook-timestamp", "", "webhook-timestamp is missing"),
    ("webhook-timestamp", "yesterday", "not whole Unix seconds"),
    ("webhook-timestamp", "1780666146.5", "not whole Unix seconds"),
    ("webhook-timestamp", "-1", "not whole Unix seconds"),
    ("webhook-timestamp", "²", "not whole Unix seconds"),
    ("webhook-timestamp", "9" * 5000, "not whole Unix seconds"),
    ("webhook-timestamp", str(NOW * 1000), "milliseconds"),
    ("webhook-timestamp", "0" + str(NOW), "no v1 signature matches"),
    ("webhook-signature", "", "webhook-signature is missing"),
    ("webhook-signature", " ", "no signature of the form v1"),
    ("webhook-signature", "v2,AAAA", "no signature of the form v1"),
    ("webhook-signature", "v1,%%%", "not base64"),
    ("webhook-signature", "v1,é", "not base64"),
    ("webhook-signature", "v1,A", "not base64"),
    ("webhook-signature", "v1,", "no v1 signature matches"),
    ("webhook-signature", "v1,AAAA", "no v1 signature matches"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG_HEADERS)
def test_a_wrong_header_is_named_in_one_sentence(name: str, value: str, words: str) -> None:
    with pytest.raises(SignatureError, match=words) as caught:
        verify_standard_webhook(SECRET, callback() | {name: value}, b"{}", now=NOW)
    assert SECRET[6:] not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_absent_or_came_twice_is_refused(name: str) -> None:
    headers = callback()
    with pytest.raises(SignatureError, match=f"{name} came more than once"):
        verify_standard_webhook(SECRET, headers | {name.upper(): headers[name]}, b"{}", now=NOW)
    del headers[name]
    with pytest.raises(SignatureError, match=f"{name} is missing"):
        verify_standard_webhook(SECRET, headers, b"{}", now=NOW)


@pytest.mark.parametrize("secret", ["", "plain", "whsec_", "whsec_%%%", "whsec_é", "WHSEC_AAAA", "whsec_A"])
def test_a_secret_that_is_not_whsec_and_base64_is_refused_everywhere(secret: str) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        standard_webhook(secret, event_id="msg_1", timestamp=NOW, body=b"{}")
    assert type(caught.value) is ValueError
    with pytest.raises(SignatureError, match="secret"):
        verify_standard_webhook(secret, callback(), b"{}", now=NOW)


def test_an_unpadded_secret_means_the_same_key() -> None:
    assert SECRET.endswith("=")
    verify_standard_webhook(SECRET.rstrip("="), callback(), b"{}", now=NOW)


@pytest.mark.parametrize("event_id", ["", "a b", "a.b", "é", "a\n", "\udc80"])
def test_an_event_id_that_makes_signed_text_ambiguous_is_refused(event_id: str) -> None:
    with pytest.raises(ValueError, match="event_id"):
        standard_webhook(SECRET, event_id=event_id, timestamp=NOW, body=b"{}")


def test_negative_timestamps_are_refused() -> None:
    with pytest.raises(ValueError, match="timestamp"):
        standard_webhook(SECRET, event_id="msg_1", timestamp=-1, body=b"{}")
    with pytest.raises(ValueError, match="timestamp"):
        hex_hmac("s", timestamp=-1, body=b"{}")


@pytest.mark.parametrize(("secret", "words"), [("", "empty"), ("\ud800", "surrogate")])
def test_a_hex_secret_that_is_no_text_is_refused(secret: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        hex_hmac(secret, timestamp=NOW, body=b"{}")
    assert type(caught.value) is ValueError
    with pytest.raises(SignatureError, match=words):
        verify_hex_hmac(secret, "0" * 64, timestamp=str(NOW), body=b"{}", now=NOW)


def test_hex_verification_says_what_is_wrong() -> None:
    good = hex_hmac("s", timestamp=NOW, body=b"{}")
    assert re.fullmatch("[0-9a-f]{64}", good)
    for signature, timestamp, words in [
        ("", str(NOW), "x-api-key-signature is missing"),
        (good, "", "x-api-key-timestamp is missing"),
        (good, "now", "x-api-key-timestamp is not whole Unix seconds"),
        (good.upper(), str(NOW), "64 lower-case hex digits"),
        ("sha256=" + good, str(NOW), "64 lower-case hex digits"),
        (good[:-1] + "é", str(NOW), "64 lower-case hex digits"),
        (good, "0" + str(NOW), "does not match"),
        (good, str(NOW + 1), "does not match"),
        ("0" * 64, str(NOW), "does not match"),
    ]:
        with pytest.raises(SignatureError, match=words):
            verify_hex_hmac("s", signature, timestamp=timestamp, body=b"{}", now=NOW)


def test_a_made_secret_is_32_bytes_and_depends_on_its_material_only() -> None:
    assert webhook_secret(b"a") == webhook_secret(b"a") != webhook_secret(b"b")
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"), validate=True)) == 32


JUNK = st.one_of(st.text(), st.text(alphabet="v1, =A/%é\udc80"), st.integers().map(str))


@given(
    junk=st.dictionaries(
        st.one_of(st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature"]), st.text()), JUNK
    ),
    keep=st.booleans(),
    body=st.binary(),
    secret=st.one_of(st.just(SECRET), st.text()),
)
def test_junk_headers_raise_signature_error_and_nothing_else(
    junk: dict[str, str], keep: bool, body: bytes, secret: str
) -> None:
    headers = (callback(b"signed for another body") if keep else {}) | junk
    with pytest.raises(SignatureError):
        verify_standard_webhook(secret, headers, body, now=NOW)


@given(secret=st.text(), signature=JUNK, timestamp=st.one_of(st.just(str(NOW)), JUNK), body=st.binary())
def test_junk_hex_signatures_raise_signature_error_and_nothing_else(
    secret: str, signature: str, timestamp: str, body: bytes
) -> None:
    with pytest.raises(SignatureError):
        verify_hex_hmac(secret, signature, timestamp=timestamp, body=body, now=NOW)


@given(material=st.binary(), body=st.binary(), at=st.integers(0, 10**10), flip=st.integers(0, 255))
def test_what_is_signed_verifies_and_any_changed_byte_does_not(
    material: bytes, body: bytes, at: int, flip: int
) -> None:
    secret = webhook_secret(material)
    verify_standard_webhook(secret, callback(body, secret=secret, at=at), body, now=at)
    signature = hex_hmac(secret, timestamp=at, body=body)
    verify_hex_hmac(secret, signature, timestamp=str(at), body=body, now=at)
    changed = body + bytes([flip])
    with pytest.raises(SignatureError):
        verify_standard_webhook(secret, callback(body, secret=secret, at=at), changed, now=at)
    with pytest.raises(SignatureError):
        verify_hex_hmac(secret, signature, timestamp=str(at), body=changed, now=at)
