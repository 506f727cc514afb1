"""Magic inputs: what a prompt or the last word of a key can ask for, without any access to the server. One table.

It makes the README's table, `soundstage magic`, the admin API's catalogue, and a test for every row.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from soundstage.core.bent import Applied
from soundstage.core.rules import Aim, Rule
from soundstage.faults import Faults

# A phone begins a sentence with a capital, so this much of "sim:" is looked for.
MARK: Final = "im:"
MOST_WORDS: Final = 20
_TOKEN: Final = re.compile(r"[Ss]im:([A-Za-z][A-Za-z0-9-]{0,39})(?:(?:=|\\u003[dD])([A-Za-z0-9_.%+-]{1,60}))?")
# What may stand in front of a word, at the end of what does: nothing, a space, a quote or a bracket; in a text that is
# JSON itself also an escaped line break.
_OPEN: Final = re.compile(r"""(?:^|[\s"'`«»\u2018-\u201f\u2039\u203a()\[\]{}<>]|\\[nrt])\Z""")
# So many values of a body are looked at, and so many places where one may hold a word.
_MOST_VALUES: Final = 100_000
_MOST_PLACES: Final = 1_000


class Token(NamedTuple):
    """`sim:<word>` in a request's text; a value after `=`, such as `example`, becomes the parameter `takes`."""

    word: str
    says: str
    fault: str
    params: tuple[tuple[str, Any], ...] = ()
    takes: str | None = None
    example: str = ""

    @property
    def shown(self) -> str:
        """How it is written."""
        return f"sim:{self.word}={self.example}" if self.example else f"sim:{self.word}"


class Suffix(NamedTuple):
    """The last word of a key, after an underscore; where it names a fault, that acts on every call its aim allows."""

    word: str
    says: str
    fault: str | None = None
    params: bytes = b"{}"
    aim: Aim = Aim()

    @property
    def shown(self) -> str:
        """How it is written."""
        return f"sk_test_any_{self.word}"


TOKENS: Final = (
    Token("fail", "The task fails; a value is its reason", "task/fail", (), "reason", "content_policy"),
    Token("fail-late", "The task fails at 99 %", "task/fail", (("at", "99"),)),
    Token("moderation", "Accepted, then refused by moderation", "task/moderation", (), "reason", "nudity"),
    Token("stuck", "The task runs for ever", "task/never-ends"),
    Token("waiting", "The task waits for ever", "task/stuck-waiting"),
    Token("slow", "The task takes this long", "task/slow", (), "seconds", "90s"),
    Token("unknown-status", "Polls show a status no document knows", "task/unknown-status", (), "word", "ABORTED"),
    Token("progress-back", "Progress goes back half-way", "task/progress-back"),
    Token("no-output", "The task succeeds and has no result", "task/no-output"),
    Token("no-reason", "The task fails and does not say why", "task/no-reason"),
    Token("lose", "Done and charged, and the answer is lost", "transport/commit-then-lose", (), "how", "hang"),
    Token("reset", "The connection is reset, nothing was done", "transport/reset"),
    Token("hang", "No answer ever comes, nothing was done", "transport/never-answers"),
    Token("latency", "The answer takes this much longer", "transport/latency", (), "ms", "800ms"),
    Token("garbage", "Bytes that are no HTTP", "transport/garbage"),
    Token("truncated", "The answer breaks off", "transport/truncated-body"),
    Token("status", "Refused with this HTTP status", "http/status", (("status", 503),), "status", "503"),
    Token("limited", "Refused with 429 and Retry-After", "http/rate-limited", (), "retry_after", "3s"),
    Token("malformed", "Done, and the answer is no JSON", "http/malformed-json"),
    Token("broke", "Refused for lack of credits", "money/insufficient-credit"),
    Token("overcharge", "More is charged than shown", "money/overcharge", (), "factor", "1.5"),
    Token("keep-credits", "The task fails and is charged all the same", "money/charged-though-failed"),
    Token("refund-late", "The task fails, the credits come back late", "money/refund-late", (), "seconds", "10m"),
    Token("refund-twice", "The task fails, the credits come back twice", "money/refund-twice"),
    Token("callback-late", "The callback comes this much later", "callback/late", (), "seconds", "1h"),
    Token("callback-never", "The callback never comes", "callback/never"),
    Token("callback-twice", "The callback comes twice", "callback/twice"),
    Token("callback-early", "The callback comes before the create answer", "callback/before-answer"),
    Token("callback-order", "An older callback comes after the last one", "callback/out-of-order"),
    Token("callback-forged", "The callback's signature is wrong", "callback/wrong-signature"),
    Token("callback-unsigned", "The callback has no signature", "callback/no-signature"),
    Token("callback-stale", "The callback's timestamp is old", "callback/stale-signature"),
    Token("callback-other-id", "The callback names another task", "callback/wrong-task-id"),
    Token("callback-disagrees", "The callback says the opposite of a poll", "callback/disagrees"),
    Token("callback-flood", "So many copies of the callback at once", "callback/flood", (), "copies", "50"),
    Token("file-missing", "The result's file answers 404", "files/missing"),
    Token("file-expired", "The result's link has expired", "files/expired"),
    Token("file-slow", "The result's file comes slowly", "files/slow"),
    Token("file-truncated", "The result's file breaks off", "files/truncated"),
    Token("file-wrong-type", "The result's file says it is something else", "files/wrong-type"),
    Token("stream-cut", "A stream breaks off after so many events", "stream/cut", (), "after", "3"),
    Token("stream-stall", "A stream stops in the middle", "stream/stall"),
    Token("stream-malformed", "A stream holds an event that is no JSON", "stream/malformed-chunk"),
    Token("stream-error", "A stream ends in an error", "stream/error"),
)
SUFFIXES: Final = (
    Suffix("revoked", "Every call is refused with 401"),
    Suffix("invalid", "Every call is refused with 401"),
    Suffix("broke", "The account has no credits"),
    Suffix("outage", "Every call is refused with 503", "http/status", b'{"status":503}'),
    Suffix("throttled", "Every other call is refused with 429", "http/rate-limited", b"{}", Aim(every=2)),
    Suffix("laggy", "Every answer takes a second longer", "transport/latency", b'{"ms":1000}'),
    Suffix("flaky", "Every third answer is lost", "transport/reset", b'{"when":"after"}', Aim(every=3)),
)
_BY_WORD: Final = {token.word: token for token in TOKENS}
_BY_SUFFIX: Final = {suffix.word: suffix for suffix in SUFFIXES}


def in_body(faults: Faults, body: Any) -> tuple[tuple[Applied, ...], list[str]]:
    """Return the faults that the texts of a request's body ask for, and a sentence about each word in vain.

    Of a word that is repeated the first counts, and the first 20 different words do. Names of fields ask for nothing.
    """
    found: dict[str, Applied] = {}
    problems: list[str] = []
    words = _words(body)
    for word, value in list(words.items())[:MOST_WORDS]:
        token = _BY_WORD.get(word)
        if token is None:
            problems.append(f"sim:{word} means nothing; soundstage magic lists what does")
            continue
        params = dict(token.params) | ({token.takes: value} if value and token.takes else {})
        try:
            found[word] = faults.checked(token.fault, params, f"sim:{word} in the request")
        except ValueError as error:
            problems.append(f"sim:{word}: {error}")
    if len(words) > MOST_WORDS:
        problems.append(f"the first {MOST_WORDS} magic words count, and no more of them")
    return tuple(found.values()), problems


def _words(body: Any) -> dict[str, str]:
    """Return the words in a body's texts, in their order, each with its value or none."""
    found: dict[str, str] = {}
    places = 0
    for text in _texts(body):
        place = text.find(MARK)
        while place >= 0 and places < _MOST_PLACES and len(found) <= MOST_WORDS:
            places += 1
            match = _TOKEN.match(text, place - 1) if place else None
            if match is not None and _OPEN.search(text[max(0, place - 3) : place - 1]):
                # A full stop behind a value ends the sentence.
                found.setdefault(match[1].lower(), (match[2] or "").rstrip("."))
            place = text.find(MARK, place + len(MARK))
    return found


def _texts(body: Any) -> Iterator[str]:
    """Yield the texts in a parsed body, in their order, and not the names they have there."""
    left, looked_at = [body], 0
    while left and looked_at < _MOST_VALUES:
        value = left.pop()
        looked_at += 1
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left.extend(reversed(value.values()))
        elif isinstance(value, list):
            left.extend(reversed(value))


def suffix_of(key_text: str) -> Suffix | None:
    """Return what the last word of a key asks for."""
    return _BY_SUFFIX.get(key_text.rpartition("_")[2])


def suffix_rules(suffix: Suffix, key_id: str) -> tuple[Rule, ...]:
    """Return the rules a key brings into its universe."""
    if suffix.fault is None:
        return ()
    name = f"{key_id}/{suffix.word}"
    return (Rule(name, suffix.fault, suffix.params, suffix.aim._replace(keys=(key_id,)), f"the key's _{suffix.word}"),)
