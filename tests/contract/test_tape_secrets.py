"""No secret stays on a tape: it is replaced wherever it stands, or there is no tape."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.tape import LeakError, Tape, TapeWriter

SECRET = "sk_live_0123456789+/abcdef"
FORMS = {
    "a header": lambda text: Exchange(Request("GET", "/", (("x-mine", f"a {text} b"),)), None),
    "a url": lambda text: Exchange(Request("GET", f"/a?name={quote(text, safe='')}&b=c"), None),
    "a body": lambda text: Exchange(Request.json("/", {"mine": text}), None),
    "an escaped body": lambda text: Exchange(
        Request("POST", "/", (), json.dumps(text).replace("/", "\\/").encode()), None
    ),
    "a binary body": lambda text: Exchange(Request("POST", "/", (), b"\xff\x00" + text.encode() + b"\xff"), None),
    "a reply": lambda text: Exchange(Request("GET", "/"), Reply(200, (("x-mine", text),), text.encode())),
    "a failure": lambda text: Exchange(Request("GET", "/"), None, failure=f"no answer to {text}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_replaced_wherever_it_stands(tmp_path: Path, form: str) -> None:
    writer = TapeWriter(tmp_path / "tape", "midsync")
    assert writer.hide(SECRET) == "<key 1>"
    writer.see(FORMS[form](SECRET))
    writer.close()
    (kept,) = Tape.read(tmp_path / "tape").taped
    assert "<key 1>" in repr(kept)
    assert SECRET not in repr(kept)


@pytest.mark.parametrize(
    "body",
    [
        base64.b64encode(SECRET.encode()),
        base64.urlsafe_b64encode(b"a" + SECRET.encode() + b"b"),
        base64.b64encode(b"ab" + SECRET.encode() + b"c"),
        "".join(f"%{letter:02x}" for letter in SECRET.encode()).encode(),
        ('{"a":"' + "".join(f"\\u{ord(letter):04x}" for letter in SECRET) + '"}').encode(),
        SECRET.encode().hex().encode(),
    ],
    ids=["base64", "base64url further in", "base64 yet further in", "percent-encoded", "escaped", "hexadecimal"],
)
def test_a_tape_with_a_secret_in_a_form_nobody_replaced_is_deleted(tmp_path: Path, body: bytes) -> None:
    writer = TapeWriter(tmp_path / "tape", "midsync")
    writer.hide(SECRET)
    writer.see(Exchange(Request("POST", "/", (), body), None))
    with pytest.raises(LeakError, match="<key 1> was still on it"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_became_known_too_late_deletes_the_tape(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "tape", "midsync")
    writer.see(Exchange(Request("GET", f"/{SECRET}"), None))
    writer.hide(SECRET)
    with pytest.raises(LeakError):
        writer.close()


def test_a_credential_nobody_called_a_secret_is_one_in_its_own_exchange(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "tape", "midsync")
    said = (("authorization", "Bearer wrong-key-of-mine"), ("X-API-Key", "k"), ("x-other", "Bearer"))
    asked = Request("GET", "/a?api_key=another-wrong-key&page=2", said)
    writer.see(Exchange(asked, Reply(401, (), b"no such key: wrong-key-of-mine")))
    writer.close()
    (kept,) = Tape.read(tmp_path / "tape").taped
    given = kept.exchange
    assert given.request.path == "/a?api_key=<key 1>&page=2"
    assert given.request.headers == (
        ("authorization", "Bearer <key 2>"),
        ("X-API-Key", "<key 3>"),
        ("x-other", "Bearer"),
    )
    assert given.reply == Reply(401, (), b"no such key: <key 2>")


def test_the_longer_of_two_keys_is_told_from_the_shorter(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "tape", "midsync")
    assert [writer.hide(f"sk_test_verify_money-{number}") for number in ("1", "12")] == ["<key 1>", "<key 2>"]
    writer.see(Exchange(Request("GET", "/sk_test_verify_money-12/sk_test_verify_money-1"), None))
    writer.close()
    assert Tape.read(tmp_path / "tape").taped[0].exchange.request.path == "/<key 2>/<key 1>"
