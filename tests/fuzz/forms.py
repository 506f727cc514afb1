"""Form bodies: multipart and urlencoded, whole or damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from fuzz.dice import Dice

Pairs = list[tuple[str, str | bytes]]
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
_FILES = (PNG, PNG, MP4, MP4, b"", b"%PDF-1.7", b"\x00" * 5000, b"GIF89a" + b"x" * 70_000)
_BOUNDARY = "fuzz-boundary-7f3a"


def pairs_of(value: Mapping[str, Any], dice: Dice) -> Pairs:
    """Return a form's fields in order; a list becomes a field that is given more than once."""
    pairs: Pairs = []
    for name, given in value.items():
        if name == "input_reference":
            continue
        if isinstance(given, list):
            shown = f"{name}[]" if dice.chance(50) else name
            pairs += [(shown, str(one)) for one in given]
        else:
            pairs.append((name, given if isinstance(given, str) else str(given)))
    return pairs


def with_file(pairs: Pairs, dice: Dice) -> Pairs:
    """Add a file, mostly where one belongs."""
    name = "input_reference" if dice.chance(85) else dice.pick(["prompt", "images", "other", "model"])
    return [*pairs, (name, dice.pick(_FILES))]


def odd(pairs: Pairs, dice: Dice) -> Pairs:
    """Return the fields with one of them twice, gone, or unheard of."""
    kind = dice.below(4)
    if kind == 0 and pairs:
        return [*pairs, dice.pick(pairs)]
    if kind == 1 and pairs:
        gone = dice.pick(pairs)
        return [pair for pair in pairs if pair is not gone]
    if kind == 2:
        return [
            *pairs,
            (dice.pick(["n", "é☃", "", "a" * 300, "duration", "model[]"]), dice.pick(["", "1", "☃", "x" * 9000])),
        ]
    return [*pairs, *((f"f{number}", "1") for number in range(dice.pick([20, 99, 101])))]


def urlencoded(pairs: Pairs) -> bytes:
    """Return fields as application/x-www-form-urlencoded; files become their bytes."""
    texts = [(name, value.decode("latin-1") if isinstance(value, bytes) else value) for name, value in pairs]
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in texts).encode()


def multipart(pairs: Pairs) -> tuple[bytes, bytes]:
    """Return (content type, body) of multipart/form-data."""
    parts = []
    for name, value in pairs:
        label = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
        head = b'Content-Disposition: form-data; name="%b"' % label
        if isinstance(value, bytes):
            head += b'; filename="a.bin"\r\nContent-Type: application/octet-stream'
        data = value if isinstance(value, bytes) else value.encode()
        parts.append(b"--%b\r\n%b\r\n\r\n%b\r\n" % (_BOUNDARY.encode(), head, data))
    body = b"".join(parts) + b"--%b--\r\n" % _BOUNDARY.encode()
    return f"multipart/form-data; boundary={_BOUNDARY}".encode(), body


def broken(content_type: bytes, body: bytes, dice: Dice) -> tuple[bytes, bytes]:
    """Return a form that no reader can read in full."""
    kind = dice.below(6)
    if kind == 0:
        return b"multipart/form-data", body
    if kind == 1:
        return content_type.replace(b"7f3a", b"0000"), body
    if kind == 2:
        return content_type, body[: dice.below(len(body) + 1)]
    if kind == 3:
        return content_type, body.replace(b"\r\n", b"\n")
    if kind == 4:
        return b"multipart/form-data; boundary=" + dice.pick([b"", b"x" * 200, b"\xe9", b'""', b'"a b"']), body
    return content_type, body.replace(b"name=", dice.pick([b"nome=", b"name=\xff", b"name"]), 1)
