"""Keeps keys and secrets out of what people pass on, and addresses that differ from run to run out of the way."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

LEAST = 6
"""Shorter texts are no secrets; replacing them would make a report unreadable."""


class Redactor:
    """Replaces secrets by `$NAME` wherever they stand: as they are, escaped, encoded, or cut off in the middle."""

    def __init__(self, secrets: Mapping[str, str], addresses: Mapping[str, str] | None = None) -> None:
        """Take secrets, each with the name that stands in for it, and addresses that are named the same way."""
        texts = {text: name for text, name in secrets.items() if len(text) >= LEAST}
        self._names = {form: f"${name}" for text, name in texts.items() for form in _forms(text)}
        self._names |= {text: f"${name}" for text, name in (addresses or {}).items() if text}
        # A run makes a key for every check; so many are looked up by how they begin, not tried one after another.
        self._lengths = sorted({len(form) for form in self._names}, reverse=True)
        beginnings = sorted({form[:LEAST] for form in self._names})
        self._begins = re.compile(f"(?={'|'.join(map(re.escape, beginnings))})") if beginnings else None
        # A sentence may quote the beginning of a reply and cut what was given in two.
        self._cut = [(_beginning(text), f"${name}") for text, name in texts.items() if _is_given(name)]

    def text(self, given: str) -> str:
        """Return a text without secrets, and without halves of characters, which no file could hold."""
        given = given.encode("utf-8", "backslashreplace").decode()
        parts, done = [], 0
        for found in self._begins.finditer(given) if self._begins is not None else ():
            start = found.start()
            known = self._known(given, start) if start >= done else ""
            if known:
                parts += [given[done:start], self._names[known]]
                done = start + len(known)
        given = "".join([*parts, given[done:]])
        for beginning, name in self._cut:
            given = beginning.sub(lambda found, name=name: name, given)  # type: ignore[misc]
        return given

    def _known(self, given: str, start: int) -> str:
        """Return the longest secret that begins here, or nothing."""
        return next((one for end in self._lengths if (one := given[start : start + end]) in self._names), "")

    def tree(self, node: Any) -> Any:
        """Return a JSON value, every text inside it without secrets."""
        if isinstance(node, str):
            return self.text(node)
        if isinstance(node, Mapping):
            return {self.text(name): self.tree(value) for name, value in node.items()}
        if isinstance(node, Iterable):
            return [self.tree(one) for one in node]
        return node


def _is_given(name: str) -> bool:
    """Return whether a secret was given by the user; those an adapter makes look alike at their beginning."""
    return not name[-1].isdecimal()


def _forms(text: str) -> set[str]:
    told = json.dumps(text)[1:-1]
    coded = base64.b64encode(text.encode()).decode()
    return {text, quote(text, safe=""), quote_plus(text), told, html.escape(text), html.escape(told), coded}


def _beginning(text: str) -> re.Pattern[str]:
    """Return what matches any beginning of a text that is at least half of it."""
    least = max(LEAST, len(text) // 2)
    tail = ""
    for character in reversed(text[least:]):
        tail = f"(?:{re.escape(character)}{tail})?"
    return re.compile(re.escape(text[:least]) + tail)
