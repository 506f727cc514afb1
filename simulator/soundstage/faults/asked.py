"""Faults that a request asks for by header: `X-Soundstage-Fault: transport/latency;ms=500, http/status;status=503`.

Source: the list and parameter syntax of RFC 8941, and `Prefer` of RFC 7240 with the `code` other mock servers read.
"""

import re
from typing import Any, Final

import orjson

from soundstage.core.bent import Applied
from soundstage.faults import Faults

MOST_CHARACTERS: Final = 2000
MOST_FAULTS: Final = 20
# What stands between commas, or semicolons, that are not inside of quotes; linear in the length of any text.
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"?'
_PARTS: Final = re.compile(rf'(?:[^,"]|{_QUOTED})+')
_PIECES: Final = re.compile(rf'(?:[^;"]|{_QUOTED})+')
_CODE: Final = re.compile(r"(?:^|[,;])\s*code=\"?(\d{3})\"?\s*(?=$|[,;])")


def by_header(faults: Faults, text: str) -> tuple[tuple[Applied, ...], list[str]]:
    """Return the faults a header names, and a sentence about each one it names in vain; one named twice acts once.

    >>> [applied.name for applied in by_header(Faults(), "reset, task/slow;seconds=90s")[0]]
    ['transport/reset', 'task/slow']
    """
    if len(text) > MOST_CHARACTERS:
        return (), [f"X-Soundstage-Fault may have {MOST_CHARACTERS} characters, got {len(text)}"]
    found: dict[str, Applied] = {}
    problems: list[str] = []
    parts = [part for one in _PARTS.findall(text) if (part := one.strip())]
    for part in parts[:MOST_FAULTS]:
        name, *parameters = (piece.strip() for piece in _PIECES.findall(part))
        pairs = (parameter.partition("=") for parameter in parameters)
        try:
            params = {key.strip(): _value(value.strip()) for key, _, value in pairs}
            applied = faults.checked(_whole(faults, name), params, "the request's header")
            found.setdefault(applied.name, applied)
        except ValueError as error:
            problems.append(str(error))
    if len(parts) > MOST_FAULTS:
        problems.append(f"X-Soundstage-Fault may name {MOST_FAULTS} faults, got {len(parts)}; the first of them count")
    return tuple(found.values()), problems


def by_preference(faults: Faults, text: str) -> tuple[Applied, ...]:
    """Return the fault that `Prefer: code=503` asks for; preferences about anything else are not for us."""
    code = _CODE.search(text)
    if code is None or not 400 <= int(code[1]) <= 599:
        return ()
    return (faults.checked("http/status", {"status": int(code[1])}, "the request's Prefer header"),)


def _whole(faults: Faults, name: str) -> str:
    """Return the whole name of a fault of which only the last part is given, where there is one such fault."""
    if "/" in name:
        return name
    meant = [known for known in faults if known.partition("/")[2] == name]
    if len(meant) > 1:
        raise ValueError(f"there is more than one fault {name!r}: {', '.join(meant)}")
    return meant[0] if meant else name


def _value(text: str) -> Any:
    """Return a parameter's value: JSON where it is some, or the text itself."""
    try:
        return orjson.loads(text)
    except ValueError:
        return text
