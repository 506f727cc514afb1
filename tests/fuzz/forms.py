"""Form bodies: multipart and urlencoded, whole or damaged, with files of every kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote_plus

from fuzz.dice import Dice
from soundstage.media import sample
from support.sounds import flac, mp3, ogg, wav

Pairs = list[tuple[str, str | bytes]]
_MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
_KINDS: Mapping[str, tuple[bytes, ...]] = {
    "image": (
        sample("image/png"),
        b"\xff\xd8\xff\xe0" + bytes(99),
        b"GIF89a" + b"x" * 70_000,
        b"RIFF\x09\x00\x00\x00WEBPx",
    ),
    "video": (_MP4, sample("video/mp4"), b"\x1aE\xdf\xa3webm", b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "),
    "audio": (wav(0.5), wav(4.01), mp3(60), ogg(2.5), flac(7), wav(301), wav(0), b"ID3" + bytes(400), b"OggS"),
    "none": (b"", b"%PDF-1.7", b"\x00" * 5000, b"RIFF", b"<svg/>", b"MZ"),
}
# Where a form takes files.
FILE_FIELDS = ("input_reference", "input_image", "file")
_NAMES = (
    *(
        b"a.bin",
        b"a.png",
        b"",
        b"../../../etc/passwd",
        b"..\\..\\x.mp4",
        b"/dev/null",
        b"a\x00b.png",
        b"a%00.png",
        b".",
    ),
    *("Ünïcödé ☃.png".encode(), b"\xff\xfe", b"x" * 300, b"x" * 5000, b"con", b"a;b=c", b"%2e%2e%2fa", b'a\\"b'),
)
_TYPES = (b"application/octet-stream", b"image/png", b"text/html", b"", b"\xff", b"multipart/mixed; boundary=x")
_OVER = 20_971_521
_BOUNDARY = "fuzz-boundary-7f3a"


def kind_of(data: bytes) -> str:
    """Return which kind of file these bytes are; what the fuzz did not make itself is none."""
    return next((kind for kind, files in _KINDS.items() if data in files), "none")


def every() -> Iterator[bytes]:
    """Yield every file there is."""
    for files in _KINDS.values():
        yield from files


def file(likely: str, dice: Dice) -> bytes:
    """Return a file, mostly of the likely kind; now and then one that is larger than a picture may be."""
    if dice.chance(0.5):
        return _huge()
    kind = likely if likely in _KINDS and dice.chance(70) else dice.pick(list(_KINDS))
    return dice.pick(_KINDS[kind])


@cache
def _huge() -> bytes:
    return _KINDS["image"][0].ljust(_OVER, b"x")


def pairs_of(value: Mapping[str, Any], dice: Dice) -> Pairs:
    """Return a form's fields in order; a list becomes a field that is given more than once."""
    pairs: Pairs = []
    for name, given in value.items():
        if name in FILE_FIELDS or given is None:
            continue
        if isinstance(given, list):
            shown = f"{name}[]" if dice.chance(50) else name
            pairs += [(shown, str(one)) for one in given]
        else:
            pairs.append((name, given if isinstance(given, str) else str(given)))
    return pairs


def with_files(pairs: Pairs, fields: Collection[str], path: str, dice: Dice) -> Pairs:
    """Add files, mostly where they belong; the last word of an upload's path is the kind it wants."""
    name = next((name for name in FILE_FIELDS if name in fields), "other")
    if not dice.chance(95 if name == "file" else 40):
        return pairs
    likely = path.rpartition("/")[2] if name == "file" else dice.pick(["image", "image", "video"])
    if dice.chance(10):
        name = dice.pick(["prompt", "images", "other", "model", "file[]", "file"])
    return [*pairs, *((name, file(likely, dice)) for _ in range(dice.weighted([(1, 12), (2, 1), (9, 1)])))]


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


def multipart(pairs: Pairs, dice: Dice) -> tuple[bytes, bytes]:
    """Return (content type, body) of multipart/form-data; files have names and types that should not matter."""
    parts = []
    for name, value in pairs:
        label = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
        head = b'Content-Disposition: form-data; name="%b"' % label
        if isinstance(value, bytes):
            head += b'; filename="%b"' % (dice.pick(_NAMES) if dice.chance(30) else b"a.bin")
            head += b"\r\nContent-Type: %b" % (dice.pick(_TYPES) if dice.chance(20) else _TYPES[0])
        data = value if isinstance(value, bytes) else value.encode()
        parts.append(b"--%b\r\n%b\r\n\r\n%b\r\n" % (_BOUNDARY.encode(), head, data))
    body = b"".join(parts) + b"--%b--\r\n" % _BOUNDARY.encode()
    return f"multipart/form-data; boundary={_BOUNDARY}".encode(), body


def broken(content_type: bytes, body: bytes, dice: Dice) -> tuple[bytes, bytes]:
    """Return a form that no reader can read in full."""
    kind = dice.below(7)
    if kind == 0:
        return b"multipart/form-data", body
    if kind == 1:
        return content_type.replace(b"7f3a", b"0000"), body
    if kind == 2:
        return content_type, body[: dice.below(len(body) - 3)]
    if kind == 3:
        return content_type, body.replace(b"\r\n", b"\n")
    if kind == 4:
        return b"multipart/form-data; boundary=" + dice.pick([b"", b"x" * 200, b"\xe9", b'""', b'"a b"']), body
    if kind == 5:
        return content_type, body.replace(b"name=", dice.pick([b"nome=", b"name=\xff", b"name"]), 1)
    return dice.pick([b"text/plain", b"", b"application/json", b"multipart/mixed; boundary=" + b"x"]), body
