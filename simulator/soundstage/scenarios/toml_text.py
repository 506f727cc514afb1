"""Reads a scenario written in TOML, with the line of each place as well as it can be told from the outside."""

import re
from datetime import date, datetime
from typing import Any, Final

from soundstage.scenarios.flaws import Flaws
from soundstage.validation import Path

_KEY: Final = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEYS: Final = re.compile(rf"{_KEY}(?:\s*\.\s*{_KEY})*")
_ONE: Final = re.compile(_KEY)
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*({_KEYS.pattern})\s*\]")
_PAIR: Final = re.compile(rf"\s*({_KEYS.pattern})\s*=")
_AT: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
# tomllib takes a time that grows with the square of a key's parts.
_MOST_DOTS: Final = 200


def read(text: str, flaws: Flaws) -> Any:
    """Return what a text says and note each place's line; raises ScenarioError when it cannot be read to its end."""
    import tomllib  # noqa: PLC0415 - who starts without a scenario does not wait for it

    lines = text.split("\n")
    flaws.lines.update(_lines(lines))
    for number, line in enumerate(lines, 1):
        if line.count(".") > _MOST_DOTS:
            flaws.stop((), f"a line may have {_MOST_DOTS} dots, got {line.count('.')}", number)
    try:
        return _plain(tomllib.loads(text))
    except RecursionError:
        flaws.stop((), "nested deeper than a scenario may be")
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT.search(said)
        number = int(at[1]) if at is not None and at[1] else len(lines)
        flaws.stop((), f"this is no TOML: {_AT.sub('', said)}", number)
    except ValueError:
        flaws.stop((), "this is no TOML: a number in it is too long")


def _plain(found: Any) -> Any:
    """Return the values with dates as the texts they were."""
    if isinstance(found, dict):
        return {name: _plain(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_plain(value) for value in found]
    return found.isoformat() if isinstance(found, datetime | date) else found


def _lines(lines: list[str]) -> dict[Path, int]:
    """Return the line of each table and key that begins a line; values inside braces are found by the key before."""
    places: dict[Path, int] = {(): 1}
    table: Path = ()
    rules = 0
    for number, line in enumerate(lines, 1):
        if (header := _HEADER.match(line)) is not None:
            names = _names(header[2])
            rules += header[1] == "[[" and names == ("faults",)
            table = ("faults", max(rules, 1) - 1, *names[1:]) if rules and names[0] == "faults" else names
            places.setdefault(table, number)
        elif (pair := _PAIR.match(line)) is not None:
            places.setdefault((*table, *_names(pair[1])), number)
    return places


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _ONE.findall(dotted))
