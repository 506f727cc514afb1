"""Turns what pydantic found wrong into one sentence that says what to send instead."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from soundstage.core.call import NO_HEADERS, BlobRef, Form, Problem

# Where in a document: ("faults", 2, "with", "status").
Path = tuple[str | int, ...]
SHOWN = 60
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LIST = re.compile(r".*\blist\[")
# How API keys and webhook secrets begin, of the providers here and of others.
_KEYLIKE = re.compile(r"\b(sk|pk|sec|whsec)([_-])[A-Za-z0-9+/=_-]{6,}")
_NUMBER = re.compile(r"(?!.*\bstr\b).*\b(int|float|bool)\b")
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
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "mapping_type": "must be an object",
    "string_pattern_mismatch": "must match {pattern}",
    "union_tag_invalid": "must have {discriminator} one of {expected_tags}",
    "union_tag_not_found": "must be an object with {discriminator}",
    "value_error": "{error}",
    "missing": "is missing",
    "extra_forbidden": "is not known here",
}
# Types whose words say everything: what came is not told with them, or by the validator itself.
_UNTOLD = frozenset({"missing", "extra_forbidden", "value_error"})

Model = TypeVar("Model", bound=BaseModel)


def web_url(given: str, *, or_data: bool = False) -> str:
    """Return an absolute web address unchanged; raises ValueError with a sentence for anything else."""
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or len(given) > MOST_URL or any(ord(letter) <= 32 for letter in given):
        data = "or data: URLs" if or_data else "no base64, no data: URLs"
        raise ValueError(
            f"URLs here must be absolute http or https addresses of at most {MOST_URL} characters ({data}), "
            f"got {shown(given)}."
        )
    return given


Url = Annotated[str, AfterValidator(web_url)]


class WireModel(BaseModel):
    """A request as a provider documents it: exact types, unknown fields left out."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


def read(model: type[Model], given: Any) -> Model | Problem:
    """Return the model filled from parsed JSON, a form or a query, or the problem with it.

    A form has no types, so there a number or a truth value is read from its text, by JSON's rules.
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
        if name in _fields_of(model, _LIST):
            fields[name] = values
        elif len(values) > 1 and name in model.model_fields:
            return Problem("invalid_request", f"{name} is given {len(values)} times; give it once.", name)
        else:
            fields[name] = _typed(values[0]) if name in _fields_of(model, _NUMBER) else values[0]
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        return _problem(error, model, fields)


def _typed(text: str | BlobRef) -> Any:
    """Return the number or truth value a form's text spells the way JSON does (or Python: True); else the text."""
    if text in {"True", "False"}:
        return text == "True"
    if not isinstance(text, str) or text != text.strip():
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, int | float) else text


def ignored(model: type[BaseModel], given: Mapping[str, Any]) -> str | None:
    """Return a warning that names the fields which had no effect, or None."""
    if given.keys() <= _fields(model):
        return None
    unknown = list(islice((name for name in given if name not in _fields(model)), 5))
    names = ", ".join(f"{name[:SHOWN]}{meant(name[:SHOWN], model.model_fields)}" for name in sorted(unknown))
    return header_text(f"ignored fields: {names}")


def warned(model: type[BaseModel], given: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the header that names the fields which had no effect, or none."""
    return warning_headers(ignored(model, given))


def warning_headers(*notes: str | None) -> Mapping[str, str]:
    """Return the header that says what there is to say of a request, or none."""
    told = "; ".join([note for note in notes if note])
    return {"X-Soundstage-Warning": told} if told else NO_HEADERS


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
def _fields_of(model: type[BaseModel], kind: re.Pattern[str]) -> frozenset[str]:
    return frozenset(name for name, field in model.model_fields.items() if kind.match(str(field.annotation)))


def _problem(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> Problem:
    found = error.errors(include_url=False)
    # Of a field that may be one thing or another, the fault of the alternative that came nearest is told.
    of_first = [one for one in found if one["loc"][:1] == found[0]["loc"][:1]]
    first = max(of_first, key=lambda one: (not one["type"].endswith("_type"), len(where(one, given))))
    here = where(first, given)
    field = ".".join(map(str, here))
    if first["type"] == "missing":
        missing = f"{field} is required"
        strange = (name[:SHOWN] for name in given if name not in model.model_fields)
        close = nearest(field, islice(strange, 100))
        return Problem("invalid_request", f"{missing}; you sent {close}." if close else f"{missing}.", field)
    if first["type"] == "value_error":
        said = str(first["ctx"]["error"])
        subject = said.partition(" ")[0].rstrip(":")
        return Problem("invalid_request", said, field or (subject if subject in model.model_fields else None))
    alike = [first, *(one for one in of_first if where(one, given) == here)]
    return Problem("invalid_request", f"{field} {sentence(alike)}.", field)


def sentence(errors: Sequence[ErrorDetails], *, secret: bool = False) -> str:
    """Return what a value must be and what came, from what pydantic found wrong with it.

    Of alternatives the one that came nearest is told, or all when none has the value's type. What came is left out
    where it is `secret`.
    """
    nearer = [one for one in errors if not one["type"].endswith("_type")]
    first = (nearer or errors)[0]
    rules = list(dict.fromkeys(map(_rule, nearer[:1] or errors)))
    rule = " or ".join([rules[0], *(one.removeprefix("must be ") for one in rules[1:])])
    return rule if secret or first["type"] in _UNTOLD else f"{rule}, got {shown(first['input'])}"


def _rule(error: ErrorDetails) -> str:
    must = _MUST_BE.get(error["type"])
    return error["msg"] if must is None else must.format(**error.get("ctx", {}))


def where(error: ErrorDetails, given: Any) -> Path:
    """Return the path to a mistake as the client wrote it, without the names of the alternatives that were tried."""
    path: list[str | int] = []
    location = error["loc"]
    for part in location:
        inside = isinstance(part, int) if isinstance(given, list) else isinstance(given, Mapping) and part in given
        if inside:
            given = given[part]
            path.append(part)
    return (*path, location[-1]) if error["type"] == "missing" else tuple(path)


def place(path: Path) -> str:
    """Return a path as people write it.

    >>> place(("faults", 2, "with", "status"))
    'faults[2].with.status'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that was probably meant, at most 60 characters of it.

    >>> nearest("lostcreate", ["happy", "lost-create"])
    'lost-create'
    """
    close = get_close_matches(name[:SHOWN], list(known), 1, cutoff)
    return close[0][:SHOWN] if close else None


def no_such_key(name: str, known: Iterable[str]) -> str:
    """Return the sentence about a key that nobody knows, with the one that was probably meant."""
    names = list(known)
    close = nearest(name, names)
    hint = "" if close is None else f"did you mean {close}? "
    return f"no such key; {hint}allowed here: {', '.join(names) or 'none'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that asks for the name that was probably meant, or nothing."""
    close = nearest(name, known)
    return "" if close is None else f"; did you mean {close}?"


def meant(name: str, known: Iterable[str]) -> str:
    """Return the same in brackets, for the middle of a sentence."""
    close = nearest(name, known)
    return "" if close is None else f" (did you mean {close}?)"


def shown(value: Any) -> str:
    """Return a value as JSON, cut to a length that fits a sentence; what looks like a key is not shown.

    >>> shown("sk_live_4eC39HqLyjWDarjtT1zdp7dc")
    '"sk_…"'
    """
    if isinstance(value, BlobRef):
        return "a file"
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return _kind(value)
    text = _KEYLIKE.sub(r"\1\2…", text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({_kind(value)})"


def _kind(value: Any) -> str:
    kinds = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        type(None): "null",
    }
    return kinds.get(type(value), "a number")
