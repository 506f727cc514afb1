"""Takes secrets out of what is kept or passed on: every form a secret is likely to take becomes a placeholder."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus


@dataclass(frozen=True, slots=True)
class Style:
    """How a placeholder looks; what becomes of half a surrogate pair; whether base64 of a secret is replaced too."""

    looks: str
    halves: str
    encoded: bool


IN_SHELL = Style("${}", halves="backslashreplace", encoded=True)
"""In a report a secret is a variable of the shell that a reader's command may have; a file cannot hold halves."""
ON_TAPE = Style("<{}>", halves="surrogatepass", encoded=False)
"""On a tape it is no text that anything would be sent with; one with a secret in base64 is rather thrown away."""

_WINDOW = 8
_LEAST_ENCODED = 8
_LEAST_CUT = 6


class Needles:
    """Many texts looked for at once, at a cost that does not grow with their number.

    Whoever looks at every eighth place of a haystack meets, of every needle of 15 bytes, one of the eight windows of
    eight bytes at its end. Shorter needles are looked for one by one.
    """

    def __init__(self) -> None:
        self._windows: dict[bytes, list[tuple[bytes, int, bytes]]] = {}
        self._names: dict[bytes, bytes] = {}
        self._short: dict[bytes, bytes] = {}

    def add(self, needle: bytes, name: bytes) -> None:
        """Look for `needle` too; what is found of it is told as `name`."""
        if needle in self._names:
            return
        self._names[needle] = name
        if len(needle) < 2 * _WINDOW - 1:
            self._short[needle] = name
            return
        for offset in range(len(needle) - 2 * _WINDOW + 1, len(needle) - _WINDOW + 1):
            window = needle[offset : offset + _WINDOW]
            self._windows.setdefault(window, []).append((needle, offset, name))

    def spots(self, hay: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield where something was found: begin, end and name."""
        for needle, name in self._short.items():
            at = hay.find(needle)
            while at >= 0:
                yield at, at + len(needle), name
                at = hay.find(needle, at + 1)
        known = self._windows
        for at in range(0, len(hay) - _WINDOW + 1, _WINDOW) if known else ():
            window = hay[at : at + _WINDOW]
            if window in known:
                for needle, offset, name in known[window]:
                    begin = at - offset
                    if begin >= 0 and hay.startswith(needle, begin):
                        yield begin, begin + len(needle), name

    def replaced(self, hay: bytes) -> bytes:
        """Return `hay` with the name in place of everything found, the longest first."""
        parts: list[bytes] = []
        done = 0
        for begin, end, name in sorted(self.spots(hay), key=lambda spot: (spot[0], -spot[1])):
            if begin >= done:
                parts += hay[done:begin], name
                done = end
        return b"".join((*parts, hay[done:])) if parts else hay

    def text(self, hay: str, halves: str = "surrogatepass") -> str:
        """Return a text with the names in place of everything found; `halves` is how `encode` treats surrogates."""
        return self.replaced(hay.encode("utf-8", halves)).decode("utf-8", "surrogatepass")


class Redactor:
    """Knows secrets and what stands for each, in one style of placeholders."""

    def __init__(self, style: Style) -> None:
        """Write placeholders as `style` says, IN_SHELL or ON_TAPE."""
        self._style = style
        self._known = Needles()
        self._scanned = Needles()
        self._cut: list[tuple[re.Pattern[str], str]] = []
        self.count = 0
        """How many secrets it was given."""

    def hide(self, secret: str, name: str, *, cut: bool = False) -> str:
        """Keep a secret out of everything from now on and return its placeholder.

        With `cut` the beginning of the secret is hidden too where a sentence was cut off in its middle.
        """
        self.count += 1
        placeholder = self._style.looks.format(name)
        plain, encoded = plain_forms(secret), tuple(encoded_forms(secret))
        for form in (*plain, *encoded) if self._style.encoded else plain:
            self._known.add(form, placeholder.encode())
        for form in (*plain, *encoded):
            self._scanned.add(form, placeholder.encode())
        if cut:
            self._cut.append((_beginning(secret), placeholder))
        return placeholder

    def call(self, text: str, name: str) -> None:
        """Tell a text that is no secret, such as an address, by a name as well."""
        self._known.add(text.encode(), self._style.looks.format(name).encode())

    def data(self, data: bytes) -> bytes:
        """Return bytes without the secrets."""
        return self._known.replaced(data)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        text = self._known.text(text, self._style.halves)
        for beginning, placeholder in self._cut:
            text = beginning.sub(lambda found, placeholder=placeholder: placeholder, text)  # type: ignore[misc]
        return text

    def tree(self, node: Any) -> Any:
        """Return a JSON value, every text inside it without secrets."""
        if isinstance(node, str):
            return self.text(node)
        if isinstance(node, Mapping):
            return {self.text(name): self.tree(value) for name, value in node.items()}
        if isinstance(node, Iterable):
            return [self.tree(one) for one in node]
        return node

    def leaked(self, texts: Iterable[bytes]) -> str | None:
        """Return the placeholder of a secret that is in one of these texts after all, in any known form."""
        # A tape says most things many times.
        return next((name.decode() for text in set(texts) for _, _, name in self._scanned.spots(text)), None)


def plain_forms(secret: str) -> set[bytes]:
    """Return how a text stands in headers, URLs, JSON and HTML."""
    told = json.dumps(secret)[1:-1]
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), told, told.replace("/", "\\/")}
    forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret), html.escape(told)}
    return {form.encode("utf-8", "surrogatepass") for form in forms}


def encoded_forms(secret: str) -> Iterator[bytes]:
    """Yield how a text looks inside of base64, wherever in it the text begins, and in hexadecimal digits."""
    raw = secret.encode("utf-8", "surrogatepass")
    for shift in range(3):
        # Only whole groups of three bytes look the same whatever stands before and behind.
        inner = raw[-shift % 3 :]
        inner = inner[: len(inner) // 3 * 3]
        if len(inner) >= _LEAST_ENCODED:
            yield base64.b64encode(inner)
            yield base64.urlsafe_b64encode(inner)
    yield base64.b64encode(raw)
    yield raw.hex().encode()


def _beginning(text: str) -> re.Pattern[str]:
    """Return what matches any beginning of a text that is at least half of it."""
    least = max(_LEAST_CUT, len(text) // 2)
    tail = ""
    for character in reversed(text[least:]):
        tail = f"(?:{re.escape(character)}{tail})?"
    return re.compile(re.escape(text[:least]) + tail)
