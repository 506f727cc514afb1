"""Faults that a request asks for by header: `X-Soundstage-Fault: http/status;status=503, transport/latency;ms=500`.

Source: the list and parameter syntax of RFC 8941, and `Prefer` of RFC 7240 with the `code` other mock servers read.
"""

import re
from typing import Any

import orjson

from soundstage.core.bent import Applied
from soundstage.faults import Faults

MOST_CHARACTERS = 2000
_PARTS = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
_PARAMETERS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)')
_CODE = re.compile(r"(?:^|[,;])\s*code=\"?(\d{3})\"?\s*(?=$|[,;])")


def by_header(faults: Faults, text: str) -> tuple[tuple[Applied, ...], list[str]]:
    """Return the faults a header names, and a sentence about each one it names in vain."""
    found: list[Applied] = []
    problems: list[str] = []
    if len(text) > MOST_CHARACTERS:
        return (), [f"X-Soundstage-Fault may have {MOST_CHARACTERS} characters, got {len(text)}"]
    for part in _PARTS.split(text):
        name, *parameters = (piece.strip() for piece in _PARAMETERS.split(part))
        pairs = (parameter.partition("=") for parameter in parameters)
        try:
            params = {key.strip(): _value(value.strip()) for key, _, value in pairs}
            found.append(faults.checked(name, params, "the request's header"))
        except ValueError as error:
            problems.append(str(error))
    return tuple(found), problems


def by_preference(faults: Faults, text: str) -> tuple[Applied, ...]:
    """Return the fault that `Prefer: code=503` asks for; preferences about anything else are not for us."""
    code = _CODE.search(text)
    if code is None or not 400 <= int(code[1]) <= 599:
        return ()
    return (faults.checked("http/status", {"status": int(code[1])}, "the request's Prefer header"),)


def _value(text: str) -> Any:
    """Return a parameter's value: JSON where it is some, or the text itself."""
    try:
        return orjson.loads(text)
    except ValueError:
        return text
