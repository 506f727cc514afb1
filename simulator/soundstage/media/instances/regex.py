"""A small reader of regular expressions as ECMA-262 writes them."""

import re
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Any

from soundstage.media.instances.errors import DeadEndError

LONGEST_PATTERN = 2000
_DEEPEST = 30

PRINTABLE = "".join(map(chr, range(32, 127)))
_WORD = ascii_letters + digits + "_"
_CLASSES = {"d": digits, "w": _WORD, "s": " \t\n"}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_PROPERTIES = {
    "L": ascii_letters, "Letter": ascii_letters, "Alphabetic": ascii_letters, "Script=Latin": ascii_letters,
    "Lu": ascii_uppercase, "Uppercase": ascii_uppercase, "Ll": ascii_lowercase, "Lowercase": ascii_lowercase,
    "N": digits, "Nd": digits, "P": ".,!?-", "Z": " ", "Zs": " ", "S": "+=$",
}  # fmt: skip
_COUNTS = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,5})\}")

# A node is a kind and its details. set: characters, weight; seq and alt: parts; rep: part, least, most or None;
# group: number, part; back: group number; look: what lies ahead; skip: nothing to write.
Node = tuple[Any, ...]
_SKIP: Node = ("skip",)


class Reader:
    """Reads one pattern into nodes; raises DeadEndError for what is no pattern or is too deep."""

    def __init__(self, source: str) -> None:
        if len(source) > LONGEST_PATTERN:
            raise DeadEndError(f"the pattern is longer than {LONGEST_PATTERN} characters")
        self.source = source
        self.at = 0
        self.groups = 0
        self.depth = 0

    def read(self) -> Node:
        """Return the whole pattern."""
        node = self._alternatives()
        if self.at < len(self.source):
            raise DeadEndError("the pattern has a closing bracket too many")
        return node

    def _peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def _take(self) -> str:
        mark = self._peek()
        if not mark:
            raise DeadEndError("the pattern ends too early")
        self.at += 1
        return mark

    def _skip(self, text: str) -> bool:
        if not self.source.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _alternatives(self) -> Node:
        parts = [self._sequence()]
        while self._skip("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else ("alt", parts)

    def _sequence(self) -> Node:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return ("seq", parts)

    def _atom(self) -> Node:
        mark = self._take()
        if mark == "(":
            return self._group()
        if mark == "[":
            return self._class()
        if mark == "\\":
            return self._escape()
        if mark == ".":
            return ("set", PRINTABLE, 2)
        return _SKIP if mark in "^$" else ("set", mark, 1)

    def _repeated(self, atom: Node) -> Node:
        mark = self._peek()
        if mark in ("*", "+", "?") and mark:
            self.at += 1
            low, high = (1 if mark == "+" else 0), (1 if mark == "?" else None)
        elif (counts := _COUNTS.match(self.source, self.at)) is not None:
            self.at = counts.end()
            low = int(counts[1][:10])
            high = (int(counts[3][:10]) if counts[3] else None) if counts[2] else low
        else:
            return atom
        if not self._skip("?"):
            self._skip("+")
        return ("rep", atom, low, high)

    def _group(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise DeadEndError(f"the pattern has more than {_DEEPEST} groups inside each other")
        kind = next((mark for mark in ("?<=", "?<!", "?!", "?=", "?:", "") if self._skip(mark)), "")
        number = self._numbered() if kind == "" else 0
        inner = self._alternatives()
        if not self._skip(")"):
            raise DeadEndError("the pattern has a group that is not closed")
        self.depth -= 1
        if kind == "?=":
            return ("look", inner)
        if kind == "?:":
            return inner
        return ("group", number, inner) if number else _SKIP

    def _numbered(self) -> int:
        """Return the number of a group that is remembered, reading over its name."""
        if not self._skip("?"):
            self.groups += 1
            return self.groups
        self._skip("P")
        end = self.source.find(">", self.at)
        if not self._skip("<") or end < 0:
            raise DeadEndError("the pattern has a kind of group that is not known")
        self.groups += 1
        self.at = end + 1
        return self.groups

    def _escape(self) -> Node:
        mark = self._peek()
        if mark in ("b", "B"):
            self.at += 1
            return _SKIP
        if mark in "123456789" and mark:
            self.at += 1
            return ("back", int(mark))
        weight = 40 if mark in ("p", "P") else 1 if mark not in ("D", "W", "S") else 2
        return ("set", self._characters(), weight)

    def _characters(self) -> str:
        """Read what follows a backslash, in a class or outside one."""
        if (code := _HEX.match(self.source, self.at)) is not None:
            self.at = code.end()
            return _character(int(code[1] or code[2] or code[3], 16))
        mark = self._take()
        if mark in "pP":
            end = self.source.find("}", self.at)
            if not self._skip("{") or end < 0:
                raise DeadEndError("the pattern has an incomplete character property")
            found = _PROPERTIES.get(self.source[self.at : end].removeprefix("gc="), "")
            self.at = end + 1
            return found if mark == "p" else _without(found)
        if mark in "DWS":
            return _without(_CLASSES[mark.lower()])
        if mark == "c":
            return chr(ord(self._take()) % 32)
        return _CLASSES.get(mark) or _CONTROLS.get(mark, mark)

    def _class(self) -> Node:
        negated = self._skip("^")
        found: list[str] = []
        weight = 2 if negated else 1
        while not self._skip("]"):
            if self.source.startswith(("\\p", "\\P"), self.at):
                weight = 40
            first = self._class_item()
            if len(first) == 1 and self._peek() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                first = _range(first, self._class_item())
            found.append(first)
        characters = "".join(found)
        return ("set", _without(characters) if negated else characters, weight)

    def _class_item(self) -> str:
        mark = self._take()
        if mark != "\\":
            return mark
        if self._peek() == "b":
            self.at += 1
            return "\b"
        return self._characters()


def _character(code: int) -> str:
    return "" if 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)


def _without(characters: str) -> str:
    kept = "".join([mark for mark in PRINTABLE if mark not in characters])
    return kept or "".join([mark for mark in "éßжλ中" if mark not in characters])


def _range(first: str, last: str) -> str:
    if len(last) != 1:
        return f"{first}-{last}"
    if last < first:
        raise DeadEndError("the pattern has a range that runs backwards")
    return "".join([_character(code) for code in range(ord(first), min(ord(last), ord(first) + 127) + 1)])


def weight(node: Node) -> int:
    """Return about how many states a matcher needs for the pattern, capped at 10**9."""
    match node:
        case ("set", _, number):
            return int(number)
        case ("seq" | "alt", parts):
            return min(10**9, 1 + sum([weight(part) for part in parts]))
        case ("rep", part, low, high):
            return int(min(10**9, 1 + weight(part) * max(low + 1 if high is None else high, 1)))
        case ("group", _, part) | ("look", part):
            return weight(part)
    return 1
