"""The calls of one client to one provider, as its journal tells them: which are alike, and what each reply says."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from soundstage.core.journal import BODY_LIMIT, Exchange, header_of
from soundstage.core.provider import Operation, Provider
from soundstage.core.timeline import TERMINAL


@dataclass(frozen=True, slots=True)
class Talk:
    """All calls of one universe to one provider, oldest first; `span` shortens a documented wait as its clock does."""

    provider: Provider
    calls: tuple[Exchange, ...]
    span: Callable[[int], int] = int
    _operations: dict[str, Operation] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look the provider's operations up once: a journal may hold thousands of calls."""
        object.__setattr__(self, "_operations", {one.id: one for one in self.provider.operations})

    def of(self, *roles: str) -> list[Exchange]:
        """Return the calls whose operation has one of these roles."""
        return [one for one in self.calls if self.of_role(one, *roles)]

    def of_role(self, one: Exchange, *roles: str) -> bool:
        """Tell whether a call's operation has one of these roles."""
        found = self.operation(one)
        return found is not None and found.role in roles

    def repeats(self, calls: Iterable[Exchange] | None = None) -> Iterator[list[Exchange]]:
        """Yield calls that are the same in everything a client chooses, whenever there is more than one."""
        alike: dict[tuple[object, ...], list[Exchange]] = {}
        for one in self.calls if calls is None else calls:
            alike.setdefault(_sameness(one), []).append(one)
        return (same for same in alike.values() if len(same) > 1)

    def polls(self) -> Iterator[tuple[str, list[Exchange]]]:
        """Yield each polled task with its polls."""
        by_task: dict[str, list[Exchange]] = {}
        for one in self.of("poll"):
            by_task.setdefault(self.task_of(one) or "", []).append(one)
        return iter(by_task.items())

    def operation(self, one: Exchange) -> Operation | None:
        """Return the operation of a call; None where it matched none."""
        return self._operations.get(one.operation)

    def task_of(self, one: Exchange) -> str | None:
        """Return the task that a poll's path names."""
        operation = self.operation(one)
        if operation is None or operation.role != "poll":
            return None
        # From the end: in front of the documented path stands the provider's prefix.
        parts = zip(reversed(operation.path.split("/")), reversed(_path(one).split("/")), strict=False)
        return next((came for part, came in parts if part == f"{{{self.provider.shape.poll_id}}}"), None)

    def nameless(self, one: Exchange) -> bool:
        """Tell whether a create's reply can be read and names no task, so that nobody can ask for it."""
        body = _json(one) if 200 <= one.status < 300 and self.of_role(one, "create") else None
        # Of two creates of one provider, one may answer `taskId` and the other `task_id`.
        return body is not None and not isinstance(_at(body, self.provider.shape.task_id, _plain), str)

    def ended(self, one: Exchange) -> bool:
        """Tell whether a poll's reply showed a state after which nothing changes."""
        value = _at(_json(one), self.provider.shape.status) if 200 <= one.status < 300 else None
        return isinstance(value, str) and value.strip() in {
            word for state, word in self.provider.states.items() if state in TERMINAL
        }


def retry_after_ms(one: Exchange) -> int | None:
    """Return how long a reply asks to wait, in milliseconds; None where it does not say, or not as a number."""
    for name, unit in (("retry-after-ms", 1), ("retry-after", 1000)):
        text = (header_of(one.reply_headers, name) or "").strip()
        if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 12:
            return int(float(text) * unit)
    return None


def doubtful(one: Exchange) -> bool:
    """Tell whether a reply leaves it open if the call was carried out: none, a failure, a time-out, or no JSON.

    A 503 that says when to come again is an invitation, so nobody who follows it is blamed.
    """
    if one.status == 503 and retry_after_ms(one) is not None:
        return False
    unreadable = 200 <= one.status < 300 and len(one.reply) < BODY_LIMIT and not _whole(one)
    return one.status in {0, 408} or one.status >= 500 or unreadable


def _whole(one: Exchange) -> bool:
    """Tell whether a reply is JSON, or a stream that says itself that it is over."""
    if (header_of(one.reply_headers, "content-type") or "").startswith("text/event-stream"):
        return one.reply.rstrip().endswith(b"[DONE]")
    return _json(one) is not None


def _sameness(one: Exchange) -> tuple[object, ...]:
    # What a client chooses, its key included: two keys that send the same are two clients.
    keys = tuple(sorted((name.lower(), value) for name, value in one.headers.items() if name.lower() in _KEYS))
    return one.method, one.target, one.body, keys


_KEYS: Final = frozenset({"authorization", "x-api-key"})


def _json(one: Exchange) -> Any:
    try:
        return json.loads(one.reply)
    except (ValueError, RecursionError):
        return None


def _at(body: Any, path: str, spelt: Callable[[str], str] = str) -> Any:
    """Return the value where a provider's shape says it is, however `spelt` lets it be; None where nothing is."""
    for name in path.split("."):
        found = {spelt(key): value for key, value in body.items()} if isinstance(body, dict) else {}
        body = found.get(spelt(name))
    return body


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _path(one: Exchange) -> str:
    return one.target.partition("?")[0]
