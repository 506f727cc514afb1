"""The calls that a universe's journal holds: ask for them, wait for them, assert them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

from soundstage.core.clock import stopwatch
from soundstage.testing.clock import USUAL_SECONDS, instant
from soundstage.testing.line import every_page
from soundstage.testing.shapes import Ask, Call
from soundstage.testing.twins import twin

Calls = list[Call]
_SHOWN = 5
_WIDTH = 150


class Wanted(TypedDict, total=False):
    """Which calls are meant: every keyword that is given must hold.

    `path` is how the path begins, `operation` an operation's id or a role such as "create", `status` a number or a
    class such as "5xx" (0: the client got no answer). `json` is what the body must hold, other fields may come with it.
    """

    method: str
    path: str
    provider: str
    operation: str
    status: int | str
    since: datetime | str
    json: Any


class Requests:
    """Calls of the app under test on providers' endpoints, the oldest first.

    A server keeps its last 1,000 calls, or as many as its setting `journal` says. Methods raise SoundstageError for
    what the server refuses, such as a status it does not understand.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, **wanted: Unpack[Wanted]) -> Calls:
        """Return the calls, each with method, path, operation, status, request and response."""
        return self._find(wanted)

    def count(self, **wanted: Unpack[Wanted]) -> int:
        """Return how many calls there were."""
        if "json" in wanted:
            return len(self._find(wanted))
        return int(self._ask("GET", "/requests/count", query=_query(wanted))["count"])

    def last(self, **wanted: Unpack[Wanted]) -> Call:
        """Return the newest call; raises AssertionError when there was none."""
        __tracebackhide__ = True
        found = self._find(wanted)
        if not found:
            raise AssertionError(self._report("expected a call", wanted, 0))
        return found[-1]

    def assert_called_once_with(self, **wanted: Unpack[Wanted]) -> Call:
        """Return the one call there was; raises AssertionError, with the calls most like it, when it is not one."""
        __tracebackhide__ = True
        found = self._find(wanted)
        if len(found) != 1:
            raise AssertionError(self._report("expected exactly one call", wanted, len(found)))
        return found[0]

    def wait_for(self, count: int = 1, timeout: float = USUAL_SECONDS, **wanted: Unpack[Wanted]) -> Calls:
        """Return the calls as soon as there are `count`, at most 1,000; a `timeout` is at most 60 seconds.

        Raises AssertionError when it is over.
        """
        __tracebackhide__ = True
        until, least = stopwatch() + timeout, count
        while True:
            left = max(0.0, until - stopwatch())
            query = {**_query(wanted), "count": least, "timeout": f"{left:.3f}"}
            answer = self._ask("GET", "/requests/wait", query=query, seconds=left)
            found = _fitting(answer["requests"], wanted)
            if len(found) >= count:
                return found
            if not answer["reached"]:
                raise AssertionError(self._report(f"expected {count} within {timeout:g} s: calls", wanted, len(found)))
            # Some came whose body is another one: so many more are needed at least.
            least = len(answer["requests"]) + count - len(found)

    alist = twin(list)  # noqa: A003 - this class's own
    acount = twin(count)
    alast = twin(last)
    aassert_called_once_with = twin(assert_called_once_with)
    await_for = twin(wait_for)

    def _find(self, wanted: Mapping[str, Any]) -> Calls:
        return _fitting(every_page(self._ask, "/requests", "requests", {**_query(wanted), "limit": 1000}), wanted)

    def _report(self, expected: str, wanted: Mapping[str, Any], came: int) -> str:
        how = ", ".join(f"{name}={value!r}" for name, value in wanted.items()) or "anything"
        every = self._find({})
        lines = [f"{expected} with {how}; {came} of {len(every)} fit"]
        ids = {name: {one["id"] for one in self._find({name: value})} for name, value in wanted.items()}
        misses = [([name for name in ids if one["id"] not in ids[name]], one) for one in every]
        nearest = sorted(misses, key=lambda miss: len(miss[0]))[:_SHOWN]
        for missed, one in nearest:
            reasons = [_reason(name, wanted, one) for name in missed]
            lines.append(f"  {shown(one)}" + (f"  <- {'; '.join(reasons)}" if reasons else ""))
        if len(every) > len(nearest):
            lines.append(f"  and {len(every) - len(nearest)} more")
        return "\n".join(lines)


def shown(call: Call) -> str:
    """Return one call as a line."""
    sent = "" if call["request"]["body"] is None else f", sent {call['request']['body']}"
    said = f" {reason(call)!r}" if call["status"] >= 400 and reason(call) else ""
    line = f"{call['method']} {call['path']} ({call['operation']}) -> {call['status'] or 'no answer'}{said}{sent}"
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def reason(call: Call) -> str:
    """Return what a refusal says in words, in whatever shape its provider says it; empty where it says nothing."""
    body = call["response"]["body"]
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and name in body:
            found = body[name]
            return str(found["message"]) if isinstance(found, dict) and "message" in found else str(found)
    return ""


def _query(wanted: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {name: value for name, value in wanted.items() if name != "json"}
    if "since" in wanted:
        given["since"] = instant(wanted["since"])
    return given


def _fitting(newest_first: Calls, wanted: Mapping[str, Any]) -> Calls:
    found = newest_first[::-1]
    if "json" not in wanted:
        return found
    return [one for one in found if not [*_differences(wanted["json"], one["request"]["body"], "json")]]


def _differences(wanted: Any, came: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(came, Mapping):
        for name, value in wanted.items():
            if name in came:
                yield from _differences(value, came[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is missing"
    elif wanted != came:
        yield f"{where} is {came!r}"


def _reason(name: str, wanted: Mapping[str, Any], call: Call) -> str:
    if name == "json":
        return ", ".join(_differences(wanted["json"], call["request"]["body"], "json"))
    shown: Mapping[str, Any] = {**call, "since": call["at"]}
    return f"{name} is {shown[name]!r}"
