"""A second set of books: what every account must have lost by the replies it got, kept beside the server's own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import jsonschema_rs

from fuzz import costs
from fuzz.compose import UNREAD, Made
from fuzz.talk import Came
from fuzz.values import Known

# What an estimate reads; other fields of a task have no effect on it.
_ESTIMATED = ("model", "duration", "resolution", "input_mode", "n")


class WrongError(AssertionError):
    """A reply or a sum that contradicts the published rules."""


def agree(what: str, told: Any, ours: Any) -> None:
    """Raise WrongError unless what the server tells is what was worked out here."""
    if told != ours:
        raise WrongError(f"{what}: the server says {told!r}, the rules say {ours!r}"[:600])


@dataclass
class Open:
    """A task as asked for: whose it is, its fields, and what it must cost now, in micros; its scope, its last state."""

    account: str
    fields: Mapping[str, Any]
    reserved: int
    charged: int
    unpolled: bool = False
    place: str = ""
    state: str = ""


@dataclass
class Books:
    """The accounts of one universe of API-Key."""

    tasks: dict[str, Open] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # The universe's time, in ms.
    now: int = 0

    def known(self) -> Known:
        """Return what requests may name."""
        return Known([(task.place, task_id) for task_id, task in list(self.tasks.items())[-40:]])

    def digests(self) -> Iterator[str]:
        """Yield the digests of the files that may be on the server's disk."""
        yield from ()

    def unseen(self) -> Iterator[tuple[str, str, str]]:
        """Yield operation, path and account of what is to be looked up until it has come to its end."""
        yield from ()

    def files(self) -> Mapping[str, str | None]:
        """Return addresses of files with their digests, None where nobody knows."""
        return {}

    def lost(self, account: str) -> int:
        """Return what an account must have lost, in micros."""
        return self.spent[account] + sum(task.charged for task in self.tasks.values() if task.account == account)

    def note(self, made: Made, came: Came) -> None:
        """Enter one successful reply; raises WrongError when it does not fit its request."""
        if came.status != 200 or made.method != "POST" or made.operation is None:
            return
        if made.value is UNREAD:
            raise WrongError("a body that cannot be read was answered 200")
        form = bool(made.headers) and b"form" in made.headers[0][1]
        value = made.value
        if made.operation == "estimateCredits":
            known = {name: value[name] for name in _ESTIMATED if name in value}
            agree("credits", json.loads(came.raw)["credits"] * costs.MICROS, costs.task(known))
        elif made.operation == "createChatCompletion":
            self._chat(made, came, value)
        elif made.operation == "createEmbedding":
            self._embedding(made, came, value)
        else:
            fields = costs.fields_of(value, form=form)
            price = costs.task(fields)
            _within(fields, price)
            self.tasks[json.loads(came.raw)["task_id"]] = Open(_owner(made), fields, price, price)

    def _chat(self, made: Made, came: Came, value: Mapping[str, Any]) -> None:
        choices, usage = costs.said(came.content_type, came.raw)
        agree("number of choices", len(choices), value.get("n") or 1)
        read, written = costs.asked_tokens(value), costs.written_tokens(choices)
        wants_usage = bool((value.get("stream_options") or {}).get("include_usage"))
        agree("whether usage was sent", usage is not None, wants_usage or not value.get("stream"))
        if usage is not None:
            told = (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"])
            agree("tokens read, written and both", told, (read, written, read + written))
        self.spent[_owner(made)] += costs.by_token(value["model"], read, written)
        for choice in choices:
            _fits(choice, value)

    def _embedding(self, made: Made, came: Came, value: Mapping[str, Any]) -> None:
        body = json.loads(came.raw)
        used = costs.input_tokens(value["input"])
        agree("tokens", (body["usage"]["prompt_tokens"], body["usage"]["total_tokens"]), (used, used))
        given = value["input"]
        agree("vectors", len(body["data"]), 1 if isinstance(given, str) or isinstance(given[0], int) else len(given))
        self.spent[_owner(made)] += costs.by_token(value["model"], used)

    def polled(self, task_id: str, body: Mapping[str, Any]) -> None:
        """Enter where a task is now; raises WrongError when its sums do not follow from its state."""
        task = self.tasks[task_id]
        if body["status"] == "completed":
            task.charged = costs.task(task.fields, body["duration"])
            asked = costs.asked_seconds(task.fields)
            agree("seconds made", body["duration"], body["duration"] if asked is None else asked)
            agree("files", len(body["output_urls"]), costs.files(task.fields))
        elif body["status"] == "failed":
            task.charged = 0
        released = task.reserved - task.charged
        told = {name: round(amount * costs.MICROS) for name, amount in body["credits"].items()}
        agree(f"credits of {task_id}", told, {"reserved": task.reserved, "charged": task.charged, "released": released})
        if not 0 <= task.charged <= task.reserved:
            raise WrongError(f"{task_id} is charged {task.charged} of {task.reserved} micros reserved")

    def complete(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Take from the server's ledger what no reply told: prices left out, and ends that could not be polled."""
        for entry in entries:
            task = self.tasks.get(entry["task_id"] or "")
            if task is None:
                continue
            amount = int(Decimal(entry["amount"]) * costs.MICROS)
            if entry["kind"] == "reserve" and task.reserved < 0:
                task.reserved = task.charged = amount
            elif entry["kind"] == "release" and task.unpolled:
                task.charged = task.reserved - amount

    def forget(self) -> None:
        """Start over, as the server's state was reset."""
        self.tasks.clear()
        self.spent.clear()


def _owner(made: Made) -> str:
    # An account that is nobody's known one has a universe of its own, which is not followed.
    return made.account or "?"


def _within(fields: Mapping[str, Any], price: int) -> None:
    most = fields.get("max_credits")
    if most is not None and price > float(most) * costs.MICROS + 1e-3:
        raise WrongError(f"a task of {price} micros was created with max_credits {most}")


def _fits(choice: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Check that a whole tool call or JSON answer fits the schema it was asked to fit."""
    if choice["finish_reason"] == "length":
        return
    for call in choice.get("tool_calls") or ():
        tools = [tool["function"] for tool in value["tools"] if tool["function"]["name"] == call["function"]["name"]]
        schema = tools[0].get("parameters")
        _check("arguments", call["function"]["arguments"], {"type": "object"} if schema is None else schema)
    wanted = value.get("response_format") or {}
    if wanted.get("type") == "json_schema" and choice["content"] is not None:
        _check("answer", choice["content"], wanted["json_schema"].get("schema") or {})


def _check(what: str, text: str, schema: Mapping[str, Any]) -> None:
    try:
        valid = jsonschema_rs.is_valid(dict(schema), json.loads(text))
    except ValueError as error:
        raise WrongError(f"{what} {text[:200]!r} under {json.dumps(schema)[:200]}: {error}"[:600]) from error
    if not valid:
        raise WrongError(f"{what} {text[:200]!r} do not fit {json.dumps(schema)[:200]}")
