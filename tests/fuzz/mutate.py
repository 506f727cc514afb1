"""Damage to good bodies: single fields of the value, or the bytes that are sent."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

from fuzz.dice import Dice

NUMBERS = (0, -1, 1, 3.5, 1e308, -1e308, 1e-320, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30, 71.9999999)
TEXTS = ("", " ", "0", "null", "x" * 300, "x" * 70_000, "\u0000", "é☃🦊", "\u202e\u200b", "\r\nX-Evil: 1", "%s%n")
LURES = ("../../etc/passwd", "{{7*7}}", "javascript:alert(1)", "720p", "١٢", "1_000", "1e3", "NaN")
LINKS = ("http://", "http://[::1", "http://a b/", "https://a.example:99999/", "http://203.0.113.9/")
DATA = ("data:image/png;base64,", "data:text/html;base64,aGk=")
LISTS: tuple[Any, ...] = ([], [[]], [None], [1, "2"], ["x"] * 3000)
OBJECTS: tuple[Any, ...] = ({}, {"": ""}, {"a": {"b": {"c": [1]}}}, {"type": "text"}, {"$ref": "#"})
ODD_VALUES: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS, *LURES, *LINKS, *DATA, *LISTS, *OBJECTS)
_RAW = (
    *(b"", b" ", b"null", b"[]", b"{}", b'"text"', b"17", b"{", b'{"model":', b"{'model': 'x'}", b"NaN", b"\x00"),
    *(b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b'{"prompt":"\xff"}', b'{"a":1e999}', b'{"a":01}', b'{"a":1,}'),
    *(b'{"a":1}{"b":2}', b'{"model":"seedance-2","model":"suno-5"}', b"// no\n{}", b"{}" * 4000),
    b'{"model":"seedance-2","prompt":"\\ud800"}',
)
_NAMES = (
    *("prompt", "model", "duration", "seconds", "size", "n", "images", "videos", "stream", "tools", "messages"),
    *("max_credits", "callback_url", "input_reference", "input", "stop"),
    *("__proto__", "é", "a\r\nb: c", "x" * 400, ""),
)
Holder = tuple[Any, Any]


def damaged(value: Any, dice: Dice) -> Any:
    """Return a copy of a value with one to three changes somewhere inside."""
    copy = value
    for _ in range(dice.weighted([(1, 6), (2, 2), (3, 1)])):
        # Copied each time: what a change puts in is shared with other requests.
        copy = json.loads(json.dumps(copy))
        places = list(_places(copy))
        if not places:
            return dice.pick(ODD_VALUES)
        holder, key = dice.pick(places)
        dice.weighted(_CHANGES)(holder, key, dice)
    return copy


def _places(value: Any) -> list[Holder]:
    found: list[Holder] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += [(value, key), *_places(inner)]
    return found


def _drop(holder: Any, key: Any, dice: Dice) -> None:
    del holder[key]


def _replace(holder: Any, key: Any, dice: Dice) -> None:
    holder[key] = dice.pick(ODD_VALUES)


def _near(holder: Any, key: Any, dice: Dice) -> None:
    was = holder[key]
    if isinstance(was, bool) or was is None:
        holder[key] = dice.pick([str(was), 0, 1, not was])
    elif isinstance(was, int | float):
        holder[key] = dice.pick([was + 1, was - 1, was + 0.5, -was, str(was), [was], was * 1000, float(was)])
    elif isinstance(was, str) and "://" in was:
        holder[key] = dice.pick(
            [was + "x", was[:-1], was.replace("://", ":"), [was], f" {was}", was.replace("/", "\\")]
        )
    elif isinstance(was, str):
        holder[key] = dice.pick([was + "x", was[:-1], was.upper(), was * 2, [was], f" {was}", was.encode().hex()])
    elif isinstance(was, list):
        holder[key] = dice.pick([was * 2, was * 40, was[:1], [was], dict.fromkeys("ab", was), [*was, None], []])
    else:
        holder[key] = dice.pick([[was], {}, {**was, "extra": was}, str(was)[:2000], {"value": was}])


def _rename(holder: Any, key: Any, dice: Dice) -> None:
    moved = holder.pop(key)
    if isinstance(holder, dict):
        holder[dice.pick([*_NAMES, f"{key}s", str(key).upper()])] = moved


def _add(holder: Any, key: Any, dice: Dice) -> None:
    if isinstance(holder, dict):
        holder[dice.pick(_NAMES)] = dice.pick(ODD_VALUES)
    else:
        holder.insert(0, dice.pick(ODD_VALUES))


def _deepen(holder: Any, key: Any, dice: Dice) -> None:
    inner = holder[key]
    for _ in range(dice.pick([2, 30, 70])):
        inner = [inner] if dice.chance(50) else {"a": inner}
    holder[key] = inner


Change = Callable[[Any, Any, Dice], None]
_CHANGES: tuple[tuple[Change, int], ...] = (
    (_drop, 4),
    (_replace, 8),
    (_near, 8),
    (_rename, 3),
    (_add, 4),
    (_deepen, 1),
)


def raw_damage(raw: bytes, dice: Dice) -> bytes:
    """Return bytes that are not what was meant: cut, flipped, replaced, nested without end, or a lone surrogate."""
    kind = dice.below(7)
    if kind == 0:
        return raw[: dice.below(len(raw) + 1)]
    if kind == 1 and raw:
        at = dice.below(len(raw))
        return raw[:at] + bytes([dice.below(256)]) + raw[at + 1 :]
    if kind == 2:
        deep = dice.pick([100, 1000, 10_000, 100_000])
        nested = b"[" * deep + b"]" * deep if dice.chance(50) else b'{"a":' * deep + b"1" + b"}" * deep
        return b'{"model":' + nested + b"}" if dice.chance(50) else raw[:-1] + b',"more":' + nested + b"}"
    if kind == 3:
        return raw.replace(b'"}', b'\\ud83d"}', 1) if dice.chance(50) else raw.replace(b'":"', b'":"\\udc00', 1)
    if kind == 4:
        return raw.decode("utf-8", "replace").encode(dice.pick(["utf-16", "utf-32", "utf-8-sig"]))
    if kind == 5:
        return raw[:-1] + b',"seed":' + dice.pick([b"1" * 500, b"-0", b"1e400", b"0.1" + b"0" * 3000 + b"1"]) + b"}"
    return dice.pick(_RAW)


def coded(raw: bytes, dice: Dice) -> tuple[bytes, bytes, bool]:
    """Return (content-encoding, bytes, whether they decode to `raw`)."""
    kind = dice.below(5)
    if kind == 0:
        return b"gzip", gzip.compress(raw, 1, mtime=0), True
    if kind == 1:
        return b"deflate", zlib.compress(raw, 1), True
    if kind == 2:
        return b"gzip", gzip.compress(raw, 1, mtime=0)[:-12], False
    if kind == 3:
        return b"gzip", b"not gzip at all", False
    return b"identity", raw, True
