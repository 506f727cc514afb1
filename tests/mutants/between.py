"""Senders that do one thing wrong on the way between the suite and the target."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers.base import Creation, Driver
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.verdict import Outcome
from soundstage_contracts.wire import Sender


class Between:
    """A sender that does one thing wrong."""

    def __init__(self, sender: Sender, driver: Driver, contract: Contract) -> None:
        self.sender, self.driver, self.contract = sender, driver, contract

    def send(self, request: Request) -> Reply:
        return self.sender.send(request)

    def close(self) -> None:
        """Leave the connections to their owner."""

    def operation(self, request: Request) -> str:
        found = None if "://" in request.path else self.contract.operation(request.method, request.path)
        return "" if found is None else found.name

    def creates(self, request: Request) -> bool:
        return request.method == "POST" and self.operation(request) in {
            one.operation for one in self.driver.creations()
        }

    def task(self, request: Request, reply: Reply) -> str | None:
        seen = self.driver.task_seen(request, reply)
        return None if seen is None else seen.id


class CreatedIsUnknown(Between):
    """A task that was just made is not found."""

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        if self.task(request, reply) is None:
            return reply
        path, joint, query = request.path.partition("?")
        name = self.task(request, reply) or ""
        unknown = path.replace(name, "no-such-task") if name in path else f"{path}x"
        return super().send(replace(request, path=unknown + joint + query))


class GoesBack(Between):
    """Once a task has ended, its polls tell its first state again."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.first: dict[str, Reply] = {}
        self.ended: set[str] = set()

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        seen = self.driver.task_seen(request, reply)
        if seen is None:
            return reply
        self.first.setdefault(seen.id, reply)
        if seen.id in self.ended:
            return self.first[seen.id]
        if seen.state in self.driver.life.terminal:
            self.ended.add(seen.id)
        return reply


class Frozen(GoesBack):
    """Polls tell for ever what the first one told."""

    def send(self, request: Request) -> Reply:
        reply = Between.send(self, request)
        name = self.task(request, reply)
        return reply if name is None else self.first.setdefault(name, reply)


class CreatesTwice(Between):
    """Each create makes two tasks and tells of one."""

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        if self.creates(request) and reply.status == 200:
            super().send(request)
        return reply


class SameTask(Between):
    """A create with a body that came before answers with the task of that time."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.made: dict[bytes, Reply] = {}

    def send(self, request: Request) -> Reply:
        if not self.creates(request):
            return super().send(request)
        key = repr((request.path, request.headers, request.body)).encode()
        if key not in self.made:
            reply = super().send(request)
            if reply.status != 200:
                return reply
            self.made[key] = reply
        return self.made[key]


class QuoteCreates(Between):
    """A quote makes and charges the task it is asked about."""

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        creation = self.driver.creations()[0].build("A paper boat")
        try:
            quotes = self.driver.quote(creation).path == request.path
        except Outcome:
            quotes = False
        if quotes and reply.status == 200:
            kept = tuple(one for one in request.headers if one[0].lower() in {"authorization", "x-api-key"})
            super().send(replace(creation, headers=(*creation.headers, *kept)))
        return reply


class NeverRefuses(Between):
    """Where a call should be refused with one status, it answers as a good one did before."""

    def __init__(self, status: int, *given: Any) -> None:
        super().__init__(*given)
        self.status = status
        self.good: dict[str, Reply] = {}

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        name = self.operation(request)
        if reply.status == 200:
            self.good[name] = reply
        return self.good.get(name, replace(reply, status=200)) if reply.status == self.status else reply


class Deaf(Between):
    """Query parameters, or one of them, have no effect."""

    def __init__(self, name: str, *given: Any) -> None:
        super().__init__(*given)
        self.name = name

    def send(self, request: Request) -> Reply:
        path, joint, query = request.path.partition("?")
        if "://" in request.path or not joint:
            return super().send(request)
        kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != self.name]
        return super().send(replace(request, path=f"{path}?{urlencode(kept)}" if kept else path))


class OffByOne(Between):
    """A number in the query is read as one more than it is."""

    def __init__(self, name: str, *given: Any) -> None:
        super().__init__(*given)
        self.name = name

    def send(self, request: Request) -> Reply:
        path, joint, query = request.path.partition("?")
        if "://" in request.path or not joint:
            return super().send(request)
        pairs = parse_qsl(query, keep_blank_values=True)
        moved = [
            (name, str(int(value) + 1) if name == self.name and value.isdecimal() else value) for name, value in pairs
        ]
        return super().send(replace(request, path=f"{path}?{urlencode(moved)}"))


class IgnoresField(Between):
    """A body field has no effect."""

    def __init__(self, name: str, *given: Any) -> None:
        super().__init__(*given)
        self.name = name

    def send(self, request: Request) -> Reply:
        body = request.value()
        if not isinstance(body, dict) or self.name not in body:
            return super().send(request)
        del body[self.name]
        return super().send(replace(request, body=json.dumps(body).encode()))


class Stale(Between):
    """A figure that is read once is told again for ever, per key and address."""

    def __init__(self, operation: str, *given: Any) -> None:
        super().__init__(*given)
        self.name = operation
        self.told: dict[object, Reply] = {}

    def send(self, request: Request) -> Reply:
        if self.operation(request) != self.name:
            return super().send(request)
        return self.told.setdefault((request.path, request.headers), super().send(request))


class ReadsCreate(Between):
    """A GET or HEAD at a create's address makes a task too."""

    def send(self, request: Request) -> Reply:
        made = next((one.build("A boat") for one in self.driver.creations() if self._reads(request, one)), None)
        if made is not None:
            super().send(replace(made, headers=(*made.headers, *request.headers)))
        return super().send(request)

    def _reads(self, request: Request, creation: Creation) -> bool:
        return request.method in {"GET", "HEAD"} and request.path == creation.build("A boat").path


class Echoes(Between):
    """Every reply shows the key it was asked with."""

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        keys = [value for name, value in request.headers if name.lower() in {"authorization", "x-api-key"}]
        shown = tuple(("x-debug-caller", value) for value in keys)
        return replace(reply, headers=(*reply.headers, *shown))


class EveryonesTasks(Between):
    """A task is shown to whoever asks with any good key."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.keys: dict[object, None] = {}

    def send(self, request: Request) -> Reply:
        reply = super().send(request)
        keys = tuple(one for one in request.headers if one[0].lower() in {"authorization", "x-api-key"})
        if reply.status == 200 and keys:
            self.keys[keys] = None
        if reply.status not in {401, 403, 404}:
            return reply
        bare = tuple(one for one in request.headers if one[0].lower() not in {"authorization", "x-api-key"})
        for others in list(self.keys)[-4:]:
            tried = super().send(replace(request, headers=(*bare, *others)))  # type: ignore[misc]
            if tried.status == 200:
                return tried
        return reply
