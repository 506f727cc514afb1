"""Magic inputs: what a prompt or a key's last word can ask for, without any access to the server. One table."""

import re
from typing import Any, Final, NamedTuple

from soundstage.core.bent import Applied
from soundstage.faults import Faults

MARK: Final = b"sim:"
_TOKEN = re.compile(rb"sim:([a-z][a-z0-9-]{0,39})(?:=([A-Za-z0-9_.%+-]{1,60}))?")


class Suffix(NamedTuple):
    """The last word of a key, after an underscore; `fault` acts on every call with it, or the words say what else."""

    word: str
    says: str
    fault: str | None = None
    params: tuple[tuple[str, Any], ...] = ()

    @property
    def shown(self) -> str:
        """How it is written."""
        return f"sk_test_any_{self.word}"


class Token(NamedTuple):
    """`sim:<word>` in a request's text; a value after `=` becomes the parameter `takes`."""

    word: str
    says: str
    fault: str
    params: tuple[tuple[str, Any], ...] = ()
    takes: str | None = None
    example: str = ""

    @property
    def shown(self) -> str:
        """How it is written."""
        return self.example or f"sim:{self.word}"


TOKENS: Final = (
    Token("fail", "The task fails; a value is its reason", "task/fail", (), "reason", "sim:fail=content_policy"),
    Token(
        "lose", "The task is created and charged, the answer lost", "transport/commit-then-lose", (), "how", "sim:lose"
    ),
)
SUFFIXES: Final = (
    Suffix("revoked", "Every call is refused with 401"),
    Suffix("invalid", "Every call is refused with 401"),
    Suffix("broke", "The account has no credits"),
)
_BY_WORD: Final = {token.word: token for token in TOKENS}


def in_text(faults: Faults, raw: bytes) -> tuple[tuple[Applied, ...], list[str]]:
    """Return the faults a request's text asks for, and a sentence about each word that means nothing."""
    found: dict[str, Applied] = {}
    problems: list[str] = []
    for match in _TOKEN.finditer(raw):
        word, value = match[1].decode(), (match[2] or b"").decode()
        token = _BY_WORD.get(word)
        if token is None:
            problems.append(f"sim:{word} means nothing; soundstage magic lists what does")
            continue
        params = dict(token.params) | ({token.takes: value} if value and token.takes else {})
        try:
            found[word] = faults.checked(token.fault, params, f"sim:{word} in the request")
        except ValueError as error:
            problems.append(f"sim:{word}: {error}")
    return tuple(found.values()), problems
