"""Which answers are right although Schemathesis expects others, each with its reason; everything else stands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.verdict import Broken
from soundstage_contracts.wire import GUARD

BUSINESS = frozenset({402, 403, 404, 409, 413, 429})
"""Statuses that say no to a well-formed request: no credits, not allowed, not there, in the way, too much."""

_NOT_THERE = frozenset({"not_found", "no_task", "no_model", "no_path", "scope"})
_FORM_NAME = re.compile(rb'; name="([^"]*)"')
_FORM_TEXT = re.compile(rb'; name="([^"]*)"\r\n\r\n(.*?)\r\n--', re.DOTALL)
_PLAIN_NAME = re.compile(r"[\w.\[\]-]+", re.ASCII)
_FORM_CANNOT_SAY = re.compile(r"minItems|minLength|[Ii]ncorrect type|Invalid type|null", re.IGNORECASE)

Fields = Callable[[Any, Request], bool]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Valid by the schema, and yet rightly refused as invalid where `applies` says so of the body; `why` says why."""

    why: str
    operations: frozenset[str]
    applies: Fields


def _has(*names: str) -> Fields:
    return lambda body, request: isinstance(body, dict) and any(body.get(name) not in (None, "", []) for name in names)


def _names(name: str) -> Fields:
    return lambda body, request: isinstance(body, dict) and name in body


def _always(body: Any, request: Request) -> bool:
    return True


def _lacks(*names: str) -> Fields:
    return lambda body, request: isinstance(body, dict) and not _has(*names)(body, request)


def _zeros(body: Any, request: Request) -> bool:
    texts = body.values() if is_form(request) and isinstance(body, dict) else ()
    return any(re.fullmatch(r"0[0-9][0-9.]*", text) for text in texts)


def _answers_a_tool(body: Any, request: Request) -> bool:
    messages = body.get("messages") if isinstance(body, dict) else None
    return isinstance(messages, list) and any(isinstance(one, dict) and one.get("role") == "tool" for one in messages)


def _creates(names: str, *more: str) -> frozenset[str]:
    return frozenset({*names.split(), *more})


_REVID = _creates("generateImage generateVideo generateSeedance generateMotion generateKolAi")
EXCUSES: dict[str, tuple[Excuse, ...]] = {
    "midsync": (
        Excuse(
            "a reference must be a task of the caller's, and the schema knows no tasks",
            _creates("createVideo generateVideo quoteVideo"),
            _has("referenceTaskId", "reference_task_id"),
        ),
    ),
    "apikeyorg": (
        Excuse("a tool's message answers an earlier call", _creates("createChatCompletion"), _answers_a_tool),
        Excuse(
            "a form's fields depend on each other in ways its schema does not say: no prompt without references",
            _creates("createVideoTask"),
            _lacks("prompt"),
        ),
        Excuse("input_mode must be that of the references sent", _creates("createVideoTask"), _names("input_mode")),
        Excuse("a form's number begins with a zero, as no number in JSON does", _creates("createVideoTask"), _zeros),
    ),
    "revidapi": (
        Excuse("only an audio that was uploaded has an audio_id", _creates("generateKolAi"), _names("audio_id")),
        Excuse("not every server makes every combination", _REVID, _has("server_id")),
        Excuse("content_type is that of the kind filename names", _creates("presignUpload"), _names("content_type")),
        Excuse("a file must have arrived before it is confirmed", _creates("confirmUpload"), _names("upload_id")),
        Excuse("a job that ended cannot be cancelled", _creates("cancelJob"), _always),
        Excuse("the schema cannot say which bytes are media", _creates("uploadImage uploadVideo uploadAudio"), _always),
    ),
}
"""By provider, what its schema cannot say of a request and its documents do."""

UNREAD: dict[str, tuple[tuple[str, str, str], ...]] = {
    "apikeyorg": (("createChatCompletion", r"refusal|file ->", "parts of a message that only a model reads"),),
}
"""By provider: operation, what a complaint names, and why a target may take it although the schema does not."""


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
        known = EXCUSES.get(self.driver.id, ())
        return next((one.why for one in known if operation in one.operations and one.applies(body, request)), None)

    def _accepted(self, operation: str, message: str, request: Request, reply: Reply) -> str | None:
        if any(self.driver.errors[kind].status in BUSINESS for kind in self._kinds(reply)):
            return "refused before it was read"
        if reply.status < 300 and is_form(request) and _FORM_CANNOT_SAY.search(message):
            return "all is text in a form, and an empty list or text is a field left out"
        for name, complaint, why in UNREAD.get(self.driver.id, ()):
            if name == operation and re.search(complaint, message):
                return why
        return None

    def _kinds(self, reply: Reply) -> set[str]:
        """Return what kinds of refusal a reply is by status and code; none when it has not the documented shape."""
        try:
            code = self.driver.error(reply).code
        except Broken:
            return set()
        rules = self.driver.errors.items()
        return {kind for kind, rule in rules if rule.status == reply.status and rule.code in {None, code}}


def body_of(request: Request) -> Any:
    """Return a body's JSON, or of a form its fields by name."""
    if is_form(request):
        return dict.fromkeys(_form_names(request), "given") | dict(_form_texts(request))
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None


def is_form(request: Request) -> bool:
    """Return whether the body is a form."""
    return bool(
        re.match(r"multipart/form-data|application/x-www-form-urlencoded", request.header("content-type") or "")
    )


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
