"""Turns what pydantic found wrong into one sentence that says what to send instead."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from soundstage.core.call import Form, Problem

SHOWN = 60
MOST_URL = 2048

# pydantic's error type → what the field must be; `{...}` are that error's own context values.
_MUST_BE: Mapping[str, str] = {
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "dataclass_exact_type": "must be a file of a multipart form",
    "dataclass_type": "must be a file of a multipart form",
    "int_from_float": "must be an integer",
    "int_parsing_size": "must be an integer of ordinary size",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must match {pattern}",
}

Model = TypeVar("Model", bound=BaseModel)


def web_url(given: str) -> str:
    """Return an absolute web address unchanged; raises ValueError with a sentence for anything else."""
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or len(given) > MOST_URL or any(ord(letter) <= 32 for letter in given):
        raise ValueError(
            f"URLs here must be absolute http or https addresses of at most {MOST_URL} characters "
            f"(no base64, no data: URLs), got {shown(given)}."
        )
    return given


Url = Annotated[str, AfterValidator(web_url)]


class WireModel(BaseModel):
    """A request as a provider documents it: exact types, unknown fields left out."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


def read(model: type[Model], given: Any) -> Model | Problem:
    """Return the model filled from parsed JSON, a form or a query, or the problem with it.

    A form has no types, so there a number or a truth value is read from its text.
    """
    if not isinstance(given, Mapping):
        return Problem("invalid_request", f"The body must be a JSON object, got {_kind(given)}.")
    if isinstance(given, Form):
        return _read_form(model, given)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        return _problem(error, model, given)


def _read_form(model: type[Model], form: Form) -> Model | Problem:
    fields: dict[str, Any] = {}
    for name, values in form.items():
        if name in _lists(model):
            fields[name] = values
        elif len(values) > 1 and name in model.model_fields:
            return Problem("invalid_request", f"{name} is given {len(values)} times; give it once.", name)
        else:
            fields[name] = values[0]
    try:
        return model.model_validate(fields, strict=False)
    except ValidationError as error:
        return _problem(error, model, fields)


def ignored(model: type[BaseModel], given: Mapping[str, Any]) -> str | None:
    """Return a warning that names the fields which had no effect, or None."""
    if given.keys() <= _fields(model):
        return None
    unknown = given.keys() - _fields(model)
    names = ", ".join(f"{name[:SHOWN]}{_meant(name, model.model_fields)}" for name in sorted(unknown)[:5])
    return header_text(f"ignored fields: {names}")


def header_text(text: str) -> str:
    """Return text that a header may carry: what a client sent must not end a line or leave ASCII."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in text)


def path_if_ours(url: str, base_url: str) -> str:
    """Return a URL of this server as its path alone, so that a port picked by the machine changes no draw."""
    return url.removeprefix(base_url) if url.startswith(f"{base_url}/") else url


def compact(value: Any) -> bytes:
    """Return JSON with sorted keys, in no more memory than it needs: orjson's own result keeps 4 KiB alive."""
    return bytes(memoryview(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)))


def compact_in_order(value: Any) -> bytes:
    """Return JSON with its keys in the order given, in no more memory than it needs."""
    return bytes(memoryview(orjson.dumps(value)))


@cache
def _fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields)


@cache
def _lists(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, field in model.model_fields.items() if "list[" in str(field.annotation))


def _problem(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> Problem:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        missing = f"{field} is required"
        close = get_close_matches(field, [name for name in given if name not in model.model_fields], 1)
        return Problem("invalid_request", f"{missing}; you sent {close[0][:SHOWN]}." if close else f"{missing}.", field)
    if first["type"] == "value_error":
        return Problem("invalid_request", str(first["ctx"]["error"]), field or None)
    must = _MUST_BE.get(first["type"])
    rule = first["msg"] if must is None else must.format(**first.get("ctx", {}))
    return Problem("invalid_request", f"{field} {rule}, got {shown(first['input'])}.", field)


def shown(value: Any) -> str:
    """Return a value as JSON, cut to a length that fits a sentence."""
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return _kind(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({_kind(value)})"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""
