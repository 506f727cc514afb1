"""What was found: each finding with a line for a shell, and the counts of a whole run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fuzz.compose import Made

_LONGEST_BODY = 4_000


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, the request that shows it (None for the books) and what came back."""

    what: str
    where: str
    made: Made | None
    reply: str

    @property
    def size(self) -> int:
        """How many bytes the request has that a reader must look at."""
        return (
            0
            if self.made is None
            else len(self.made.body) + sum(len(name) + len(value) for name, value in self.made.headers)
        )

    def told(self, base: str) -> str:
        """Return the finding with its request as a line of shell."""
        line = "" if self.made is None else f"\n  {curl(self.made, base)}"
        return f"[{self.where}] {self.what}{line}\n  reply: {self.reply}"


@dataclass
class Tally:
    """Counts and findings of one run; of each kind the finding with the smallest request is kept."""

    requests: int = 0
    reopened: int = 0
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    smallest: dict[str, Finding] = field(default_factory=dict)

    def add(self, finding: Finding, kind: str) -> None:
        """Count a finding and keep it if it is the first or the smallest of its kind."""
        self.kinds[kind] += 1
        if kind not in self.smallest or finding.size < self.smallest[kind].size:
            self.smallest[kind] = finding

    @property
    def findings(self) -> list[tuple[Finding, int]]:
        """The findings with how often each came, disagreements about what the document allows last."""
        kinds = sorted(self.smallest, key=lambda kind: "what the document" in kind)
        return [(self.smallest[kind], self.kinds[kind]) for kind in kinds]


def curl(made: Made, base: str) -> str:
    """Return a request as one line of shell that sends it again, byte for byte where curl lets it."""
    words = ["curl -sS -i --path-as-is --globoff", f"-X {made.method}"]
    for name, value in made.headers:
        words.append("-H " + quoted(name + (b": " + value if value else b";")))
    if not any(name.lower() == b"content-type" for name, _ in made.headers) and made.body:
        words.append("-H 'Content-Type:'")
    if made.chunked:
        words.append("-H 'Transfer-Encoding: chunked'")
    words.append(quoted(f"{base.rpartition('/')[0] if made.bare else base}{made.path}".encode()))
    if not made.body:
        return " ".join(words)
    shown = made.body[:_LONGEST_BODY]
    cut = f"  # body cut, it has {len(made.body)} bytes" if len(shown) < len(made.body) else ""
    return f"printf {printf(shown)} | {' '.join(words)} --data-binary @-{cut}"


def quoted(text: bytes) -> str:
    """Return bytes as one word of bash."""
    if all(32 <= byte < 127 and byte != 39 for byte in text):
        return f"'{text.decode()}'"
    return (
        "$'"
        + "".join(chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in text)
        + "'"
    )


def printf(text: bytes) -> str:
    """Return bytes as the format of a shell's printf."""
    plain = {**{byte: chr(byte) for byte in range(32, 127)}, 37: "%%", 92: "\\\\", 39: "\\047", 10: "\\n"}
    return "'" + "".join(plain.get(byte, f"\\{byte:03o}") for byte in text) + "'"
