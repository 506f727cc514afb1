"""The client lint: what a client of a paid provider should not do, found in its calls and their replies alone.

Each rule is one function over the calls that one universe made to one provider, oldest first. It sees no task and no
ledger, so it can only say what the exchanges prove. Waits are judged by the longer of the universe's and the machine's
time: a client that slept, or whose test moved the clock, has waited.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl

from soundstage.core.journal import SECRET_FIELDS, Exchange, header_of
from soundstage.core.talk import Talk, doubtful, retry_after_ms

Level = Literal["info", "warning", "error"]
# Timers and networks are not exact, so a wait counts as kept from here on.
_NEARLY: Final = 0.95
# Refusals that may end without any change of the call: money arrives, a key is allowed more, a task appears.
_MAY_CHANGE: Final = frozenset({401, 402, 403, 404})
_WORTH_ANOTHER_TRY: Final = frozenset({408, 409, 425, 429})
# How a warning begins that speaks of a field; others speak of faults that were asked for, which no provider knows.
_OF_FIELDS: Final = ("ignored fields: ", "no effect for ")


class Finding(NamedTuple):
    """What one rule found: the numbers of the calls in question, oldest first, and the task if it is one's."""

    level: Level
    message: str
    requests: tuple[int, ...]
    task_id: str | None = None


Find = Callable[[Talk], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, and what a client should not do, in a sentence."""

    id: str
    says: str
    find: Find


RULES: Final[dict[str, Rule]] = {}


def _rule(name: str, says: str) -> Callable[[Find], Find]:
    def keep(find: Find) -> Find:
        RULES[name] = Rule(name, says, find)
        return find

    return keep


def lint(talk: Talk, ignore: frozenset[str] = frozenset()) -> list[tuple[Rule, Finding]]:
    """Return what the rules that are not ignored find in one conversation, ordered by the first call in question."""
    found = [(rule, one) for rule in RULES.values() if rule.id not in ignore for one in rule.find(talk)]
    return sorted(found, key=lambda pair: pair[1].requests)


@_rule("retry-after-ignored", "Sends the same call again before the wait that a 429 or 503 asked for is over.")
def retry_after_ignored(talk: Talk) -> Iterator[Finding]:
    """Find calls that came again too soon after a reply that said when."""
    for same in talk.repeats():
        early = [
            (first, again, asked)
            for first, again in pairwise(same)
            if first.status in {429, 503}
            and (asked := retry_after_ms(first)) is not None
            and _waited(first, again) < asked * _NEARLY
        ]
        if early:
            first, again, asked = min(early, key=lambda row: _waited(row[0], row[1]) - row[2])
            waits = f"{_seconds(asked)} were asked for, {_seconds(_waited(first, again))} passed"
            message = f"{first.operation} came again too soon after a {first.status}{_times(len(early))}: {waits}."
            yield Finding("warning", message, _ids(early), talk.task_of(first))


@_rule("polled-too-fast", "Polls a task at shorter intervals than the provider documents.")
def polled_too_fast(talk: Talk) -> Iterator[Finding]:
    """Find tasks polled too often; a poll that failed may be repeated, one after the end is another rule's."""
    if talk.provider.poll_seconds is None:
        return
    least = talk.span(int(talk.provider.poll_seconds * 1000))
    for task_id, polls in talk.polls():
        early = [
            (first, again)
            for first, again in pairwise(polls)
            if first.status == 200 and _waited(first, again) < least * _NEARLY and not talk.ended(first)
        ]
        if early:
            shortest = min(_waited(first, again) for first, again in early)
            waits = f"at least {_seconds(least)} lie between two polls here, the shortest wait was {_seconds(shortest)}"
            message = f"Task {task_id} was polled too fast{_times(len(early))}: {waits}."
            yield Finding("warning", message, _ids(early), task_id)


@_rule("polled-after-end", "Goes on polling a task after a reply that showed its end.")
def polled_after_end(talk: Talk) -> Iterator[Finding]:
    """Find tasks polled after their end; one look back may be meant, more of them are a loop that does not stop."""
    for task_id, polls in talk.polls():
        end = next((place for place, one in enumerate(polls) if talk.ended(one)), None)
        late = [] if end is None else polls[end + 1 :]
        if end is not None and late:
            message = (
                f"Task {task_id} was polled again after call {polls[end].id} had shown its end{_times(len(late))}."
            )
            numbers = (polls[end].id, *(one.id for one in late))
            yield Finding("info" if len(late) == 1 else "warning", message, numbers, task_id)


@_rule("create-retried-blindly", "Repeats paid work whose answer was lost, without looking whether it was done.")
def create_retried_blindly(talk: Talk) -> Iterator[Finding]:
    """Find creates and completions sent again after a doubtful end, with no read in between that could have told."""
    looks = [one.id for one in talk.of("read") if one.status == 200 and not _keyless(talk, one)]
    for same in talk.repeats(talk.of("create", "completion")):
        blind = [
            (first, again)
            for first, again in pairwise(same)
            if (doubtful(first) or talk.nameless(first)) and not any(first.id < look < again.id for look in looks)
        ]
        if blind:
            ends = _how_it_ended(talk, blind[0][0])
            message = (
                f"{same[0].operation} {ends} and was sent again unchanged{_times(len(blind))}, with nothing read in"
                " between: if the first one was done, it is paid twice."
            )
            yield Finding("error", message, _ids(blind))


@_rule("refused-retried", "Repeats a call unchanged that was refused for what it says.")
def refused_retried(talk: Talk) -> Iterator[Finding]:
    """Find calls repeated after a 4xx that no waiting mends; one that works later had its reason."""
    for same in talk.repeats():
        vain = [
            (first, again)
            for first, again in pairwise(same)
            if 400 <= first.status < 500
            and first.status not in _WORTH_ANOTHER_TRY
            and retry_after_ms(first) is None
            and (first.status not in _MAY_CHANGE or again.status == first.status)
        ]
        if vain:
            message = (
                f"{same[0].operation} was refused with {vain[0][0].status} and sent again unchanged{_times(len(vain))}."
            )
            yield Finding("warning", message, _ids(vain), talk.task_of(same[0]))


@_rule("key-in-query", "Sends the API key in the query string, which logs and proxies keep.")
def key_in_query(talk: Talk) -> Iterator[Finding]:
    """Find calls whose query holds a key, all in one finding."""
    named = [(one, name) for one in talk.calls for name, _ in parse_qsl(one.target.partition("?")[2]) if _secret(name)]
    if named:
        names = ", ".join(sorted({name[:40] for _, name in named}))
        message = f"The query string held the API key ({names}){_times(len(named))}; send {talk.provider.send_key}."
        yield Finding("warning", message, tuple(sorted({one.id for one, _ in named})))


@_rule("dropped-field", "Sends something that the provider drops without a word.")
def dropped_field(talk: Talk) -> Iterator[Finding]:
    """Find calls whose reply carries a warning about fields, one finding for each operation and warning."""
    told = [
        (one.operation, said, one.id)
        for one in talk.calls
        if (said := _of_fields(header_of(one.reply_headers, "x-soundstage-warning") or ""))
    ]
    for (operation, said), group in groupby(sorted(told), key=lambda row: row[:2]):
        numbers = tuple(row[2] for row in group)
        yield Finding(
            "warning", f"{operation} was sent something without effect{_times(len(numbers))}: {said}.", numbers
        )


def _how_it_ended(talk: Talk, one: Exchange) -> str:
    if talk.nameless(one):
        return "was answered without the id of a task"
    return "got no answer" if one.status == 0 else f"ended with {one.status}"


def _of_fields(warning: str) -> str:
    return "; ".join(said for said in warning.split("; ") if said.startswith(_OF_FIELDS))


def _keyless(talk: Talk, one: Exchange) -> bool:
    # What anybody may read tells nothing of this client's tasks.
    operation = talk.operation(one)
    return operation is not None and operation.keyless


def _secret(name: str) -> bool:
    return name.lower() in SECRET_FIELDS


def _waited(first: Exchange, again: Exchange) -> int:
    return max(again.at - first.at, again.wall - first.wall, 0)


def _ids(pairs: Iterable[tuple[Any, ...]]) -> tuple[int, ...]:
    return tuple(sorted({one.id for pair in pairs for one in pair if isinstance(one, Exchange)}))


def _times(count: int) -> str:
    return "" if count == 1 else f", {count} times"


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g} s"
