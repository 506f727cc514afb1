"""What is wrong with a scenario, place by place: all of it at once, so that a file is repaired in one go."""

from collections.abc import Iterable
from typing import Final, NamedTuple, NoReturn

from soundstage.validation import Path, no_such_key, place

MOST_TOLD: Final = 20
MOST_DEPTH: Final = 8


class Flaw(NamedTuple):
    """One thing that is wrong; `file` is empty and `line` None for a document that came as JSON."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}" if where else self.message


class ScenarioError(ValueError):
    """A scenario that cannot be used; its text is one line for each flaw, at most twenty, in the document's order."""

    def __init__(self, flaws: Iterable[Flaw], more: int = 0) -> None:
        self.flaws = tuple(flaws)
        self.more = more
        lines = [str(flaw) for flaw in self.flaws]
        super().__init__("\n".join([*lines, f"and {more} more"] if more else lines))


class Flaws:
    """Collects what is wrong with one document. `lines` is filled in by the reader that knows them."""

    def __init__(self, file: str = "") -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self._found: list[Flaw] = []
        self._told: set[tuple[Path, int | None]] = set()
        self._refused: set[Path] = set()
        self.count = 0

    def add(self, path: Path, message: str, line: int | None = None) -> None:
        """Note what is wrong at a place; the first thing said about a place is the one that counts."""
        line = line or self.line(path)
        above = (path[:length] for length in range(len(path) + 1))
        if (path, line) in self._told or not self._refused.isdisjoint(above):
            return
        self._told.add((path, line))
        self.count += 1
        if self.count <= MOST_TOLD:
            where = place(path)
            self._found.append(Flaw(self.file, line, _printable(f"{where}: {message}" if where else message)))

    def refuse(self, path: Path, message: str, line: int | None = None) -> None:
        """Note what is wrong with a value as a whole: nothing more is said about what it holds."""
        self.add(path, message, line)
        self._refused.add(path)

    def stop(self, path: Path, message: str, line: int | None = None) -> NoReturn:
        """Note what makes the rest unreadable, and raise all that was found."""
        self.add(path, message, line)
        raise self._error()

    def raise_any(self) -> None:
        """Raise ScenarioError when anything was found."""
        if self.count:
            raise self._error()

    def _error(self) -> ScenarioError:
        told = sorted(self._found, key=lambda flaw: flaw.line or 0)
        return ScenarioError(told, self.count - len(told))

    def touches(self, path: Path) -> bool:
        """Tell whether anything was found at a place or below it."""
        return any(told[: len(path)] == path for told, _ in self._told)

    def line(self, path: Path) -> int | None:
        """Return the line of a place, or of the nearest one around it; None where there are no lines."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def unknown(self, path: Path, known: Iterable[str]) -> None:
        """Note a key that nobody knows, with the one that was probably meant."""
        if self.count >= MOST_TOLD:
            # Looking for the nearest name is what costs; this one is only counted.
            self.add(path, "")
            return
        self.add(path, no_such_key(str(path[-1]), known))


def _printable(text: str) -> str:
    """Return text that neither ends a line of a terminal nor moves about in it."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
