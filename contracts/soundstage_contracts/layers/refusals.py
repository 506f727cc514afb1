"""Which answers are right although Schemathesis expects others, each with its reason; everything else stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.drivers.excuses import is_form
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.verdict import READING_ERRORS, Broken
from soundstage_contracts.wire import GUARD

BUSINESS = frozenset({402, 403, 404, 409, 413, 429})
"""Statuses that say no to a well-formed request: no credits, not allowed, not there, in the way, too much."""

_NOT_THERE = frozenset({"not_found", "no_task", "no_model", "no_path", "scope"})
_FORM_NAME = re.compile(rb'; name="([^"]*)"')
_FORM_TEXT = re.compile(rb'; name="([^"]*)"\r\n\r\n(.*?)\r\n--', re.DOTALL)
_PLAIN_NAME = re.compile(r"[\w.\[\]-]+", re.ASCII)
_FORM_CANNOT_SAY = re.compile(r"minItems|minLength|[Ii]ncorrect type|Invalid type|null", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judge:
    """Says of a failure that Schemathesis found why it is none."""

    driver: Driver

    def why(self, operation: str, failure: str, message: str, request: Request, reply: Reply) -> str | None:
        """Return why a failure is none, or None where it stands; `failure` is its class's name."""
        # Of a probe without the right key only the message tells what answered it.
        if reply.header(GUARD) is not None or (failure == "IgnoredAuth" and "got `599 " in message):
            return "the guard answered, not the target"
        if failure == "RejectedPositiveData":
            return self._refused(operation, request, reply)
        if failure == "AcceptedNegativeData":
            return self._accepted(operation, message, request, reply)
        return None

    def _refused(self, operation: str, request: Request, reply: Reply) -> str | None:
        kinds = self._kinds(reply)
        if _NOT_THERE & kinds:
            return "a generated id is nobody's"
        if any(self.driver.errors[kind].status in BUSINESS for kind in kinds):
            return f"a documented refusal: {', '.join(sorted(kinds))}"
        if "invalid" not in kinds:
            return None
        body = body_of(request)
        if any(isinstance(one, float) and one.is_integer() for one in _leaves(body)):
            return "JSON Schema counts 2.0 as an integer, and no document says that the provider does"
        if is_form(request) and not all(_PLAIN_NAME.fullmatch(name) for name in _form_names(request)):
            return "a form's field has a name that no form writes"
        known = self.driver.excuses
        return next((one.why for one in known if operation in one.operations and one.applies(body, request)), None)

    def _accepted(self, operation: str, message: str, request: Request, reply: Reply) -> str | None:
        if any(self.driver.errors[kind].status in BUSINESS for kind in self._kinds(reply)):
            return "refused before it was read"
        if reply.status < 300 and is_form(request) and _FORM_CANNOT_SAY.search(message):
            return "all is text in a form, and an empty list or text is a field left out"
        known = self.driver.unread
        return next(
            (one.why for one in known if one.operation == operation and re.search(one.complaint, message)), None
        )

    def _kinds(self, reply: Reply) -> set[str]:
        """Return what kinds of refusal a reply is by status and code; none when it has not the documented shape."""
        try:
            code = self.driver.error(reply).code
        except (Broken, *READING_ERRORS):
            return set()
        rules = self.driver.errors.items()
        # A code may be anything that JSON has, so it cannot be looked up in a set.
        return {kind for kind, rule in rules if rule.status == reply.status and rule.code in (None, code)}


def body_of(request: Request) -> Any:
    """Return a body's JSON, or of a form its fields by name."""
    if is_form(request):
        return dict.fromkeys(_form_names(request), "given") | dict(_form_texts(request))
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None


def _form_names(request: Request) -> list[str]:
    if (request.header("content-type") or "").startswith("multipart"):
        return [one.decode("utf-8", "replace") for one in _FORM_NAME.findall(request.body)]
    return [name for name, _ in _form_texts(request)]


def _form_texts(request: Request) -> list[tuple[str, str]]:
    if (request.header("content-type") or "").startswith("multipart"):
        found = _FORM_TEXT.findall(request.body)
        return [(name.decode("utf-8", "replace"), text.decode("utf-8", "replace")) for name, text in found]
    return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value
