"""Wire mutants: one field, header or status of one operation's replies is wrong, always in the same way."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from soundstage_contracts.documents.contract import events
from soundstage_contracts.exchange import Exchange, Reply

Path = tuple[str, ...]
GONE = object()
_NAME = re.compile(r"[A-Za-z_][A-Za-z_]*\Z")


def _text(change: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value


def _number(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _truth(change: Callable[[bool], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, bool) else value


def _list(change: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, list) else value


OPERATORS: dict[str, Callable[[Any], Any]] = {
    "drop": lambda value: GONE,
    "null": lambda value: None,
    "empty": _text(lambda text: ""),
    "upper": _text(str.upper),
    "append": _text(lambda text: text + "x"),
    "plus-one": _number(lambda number: number + 1),
    "negate": _number(lambda number: -number),
    "stringify": lambda value: json.dumps(value) if isinstance(value, int | float | bool) else value,
    "flip": _truth(lambda truth: not truth),
    "empty-list": _list(lambda items: []),
    "duplicate": _list(lambda items: [*items, *items[-1:]]),
    "shorten": _list(lambda items: items[:-1] if len(items) > 1 else items),
    "reverse": _list(lambda items: items[::-1]),
    "extra-key": lambda value: {**value, "surplus": 1} if isinstance(value, dict) else value,
}
"""What may happen to a value; an operator that leaves it as it is makes no mutant."""

WHOLE: dict[str, Callable[[Reply], Reply]] = {
    "status-plus-one": lambda reply: replace(reply, status=reply.status + 1),
    "content-type": lambda reply: _with_header(reply, "content-type", "text/plain; charset=utf-8"),
    "no-content-type": lambda reply: _with_header(reply, "content-type", None),
    "cut-short": lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2]),
}
"""What may happen to a reply as a whole."""
FILE = "a result's file"
"""What stands for the operation where a reply's URL is fetched."""
_SHALLOW = {FILE: -1, "getOpenapi": 1}
"""How deep fields are looked for in what is no reply of an API but a file, or a whole published document."""
_DEEPEST = 12
_MOST_REPLIES = 40
"""So many distinct replies of an operation and status are looked at for fields."""
HEADERS = ("retry-after", "allow", "content-disposition", "location")


@dataclass(frozen=True, slots=True)
class WireMutant:
    """Each reply of `operation` with `status` has `operator` applied at `path`, to the whole reply, or to a header."""

    operation: str
    status: int
    operator: str
    path: Path = ()
    header: str = ""

    @property
    def name(self) -> str:
        """How the kill table calls it: `getTask 200 output_urls.[] append`."""
        where = f"header {self.header}" if self.header else ".".join(self.path)
        return " ".join(part for part in (self.operation, str(self.status), where, self.operator) if part)

    def applied(self, reply: Reply) -> Reply:
        """Return the reply as the mutant sends it; the same reply where there is nothing to change."""
        if self.header:
            return _with_header(reply, self.header, None)
        if self.operator in WHOLE and not self.path:
            return WHOLE[self.operator](reply)
        if reply.media_type == "text/event-stream":
            changed = replace(reply, body=_events(reply.body, self._changed))
            return reply if list(events(changed.body)) == list(events(reply.body)) else changed
        try:
            value = json.loads(reply.body)
        except ValueError:
            return reply
        before, after = (json.dumps(one, ensure_ascii=False) for one in (value, self._changed(value)))
        return reply if before == after else replace(reply, body=after.encode())

    def _changed(self, value: Any) -> Any:
        changed = _at(copy.deepcopy(value), self.path, OPERATORS[self.operator])
        return None if changed is GONE else changed


def mutants_of(operation: str, replies: Iterable[Reply]) -> Iterator[WireMutant]:
    """Yield every mutant that changes at least one of an operation's replies, each once, in a fixed order."""
    made: dict[WireMutant, None] = {}
    counted: Counter[int] = Counter()
    for reply in replies:
        counted[reply.status] += 1
        if counted[reply.status] > _MOST_REPLIES:
            continue
        for mutant in _candidates(operation, reply):
            if mutant not in made and mutant.applied(reply) != reply:
                made[mutant] = None
    yield from sorted(made, key=lambda mutant: (mutant.status, mutant.path, mutant.operator, mutant.header))


def _candidates(operation: str, reply: Reply) -> Iterator[WireMutant]:
    yield from (WireMutant(operation, reply.status, operator) for operator in WHOLE)
    for header in HEADERS:
        if reply.header(header) is not None:
            yield WireMutant(operation, reply.status, "drop", header=header)
    depth = _SHALLOW.get(operation, _DEEPEST)
    for path in dict.fromkeys(path for value in _values(reply) for path in _paths(value) if len(path) <= depth):
        for operator in OPERATORS:
            if path or operator == "extra-key":
                yield WireMutant(operation, reply.status, operator, path)


def _values(reply: Reply) -> Iterator[Any]:
    if reply.media_type == "text/event-stream":
        yield from events(reply.body)
        return
    try:
        yield json.loads(reply.body)
    except ValueError:
        return


def _paths(value: Any, here: Path = ()) -> Iterator[Path]:
    yield here
    if isinstance(value, dict):
        for name, inner in value.items():
            # A key that is data (a model's id) stands for all such keys.
            yield from _paths(inner, (*here, name if _NAME.match(name) else "*"))
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, (*here, "[]"))


def _at(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    head, rest = path[0], path[1:]
    if head == "[]" and isinstance(value, list):
        return [new for item in value if (new := _at(item, rest, change)) is not GONE]
    if isinstance(value, dict):
        fits = [name for name in value if name == head or (head == "*" and not _NAME.match(name))]
        for name in fits:
            new = _at(value[name], rest, change)
            if new is GONE:
                del value[name]
            else:
                value[name] = new
    return value


def _events(body: bytes, change: Callable[[Any], Any]) -> bytes:
    lines = []
    for line in body.decode().split("\n"):
        data = line.removeprefix("data: ")
        if line.startswith("data: ") and data != "[DONE]":
            lines.append("data: " + json.dumps(change(json.loads(data))))
        else:
            lines.append(line)
    return "\n".join(lines).encode()


def _with_header(reply: Reply, name: str, value: str | None) -> Reply:
    kept = tuple((given, text) for given, text in reply.headers if given.lower() != name)
    return replace(reply, headers=kept if value is None else (*kept, (name, value)))


def replies_by_operation(
    exchanges: Iterable[Exchange], operation_of: Callable[[Exchange], str]
) -> dict[str, list[Reply]]:
    """Return the distinct replies seen of each operation."""
    found: dict[str, dict[tuple[int, bytes], Reply]] = {}
    for exchange in exchanges:
        if exchange.reply is not None and exchange.request.method != "HEAD":
            name = operation_of(exchange)
            found.setdefault(name, {}).setdefault((exchange.reply.status, exchange.reply.body), exchange.reply)
    return {name: list(replies.values()) for name, replies in sorted(found.items())}
