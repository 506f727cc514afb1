"""Values that are valid under a JSON Schema, for structured answers and tool arguments, drawn from words and bounds.

A schema is prepared once (schema.py), a value is built from it (build.py, scalars.py, words.py), and a validator has
the last word; when it says no, a few more attempts are made in another manner. A schema comes from outside: its size
and the work it causes are bounded, and nothing is fetched.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from soundstage.core.randomness import Draw
from soundstage.media.instances.build import ATTEMPTS, Builder
from soundstage.media.instances.scalars import DeadEndError, TooLargeError, UnsatisfiableError
from soundstage.media.instances.schema import Plan, plan_for

__all__ = ["UnsatisfiableError", "check", "instance"]

_LARGEST_VALUE = 256 * 1024
_ENOUGH = 3000  # steps of a failed attempt after which no other is made


def instance(schema: Mapping[str, Any] | bool, draw: Draw) -> Any:
    """Return a JSON value that is valid under the schema, the same for the same draw.

    The schema is JSON Schema 2020-12, or the draft it names. Raises UnsatisfiableError, with a sentence to show, for
    a schema that is not valid, asks for too much, refers to elsewhere, or that no value was found for.
    Example: `instance({"type": "integer", "minimum": 3, "maximum": 3}, draw)` is 3.
    """
    with _told():
        return _made(plan_for(_bytes(schema)), draw)


def check(schema: Mapping[str, Any] | bool) -> None:
    """Raise UnsatisfiableError for a schema that is not valid or too large, without making a value."""
    with _told():
        plan_for(_bytes(schema))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UnsatisfiableError:
        raise
    except RecursionError:
        raise TooLargeError("the schema is nested too deeply") from None
    except (AttributeError, LookupError, TypeError, ValueError):
        # A validator does not look at keywords its draft does not know; here they are read.
        raise UnsatisfiableError("a part of the schema is not what JSON Schema says") from None


def _bytes(schema: Mapping[str, Any] | bool) -> bytes:
    try:
        return orjson.dumps(schema, default=_plain)
    except TypeError as error:
        raise UnsatisfiableError(f"the schema is not JSON: {error}") from None


def _made(plan: Plan, draw: Draw) -> Any:
    reason: DeadEndError | None = None
    for attempt in range(len(ATTEMPTS)):
        builder = Builder(plan, draw, attempt)
        try:
            value = builder.make(plan.root, "")
            plan.check(value)
            body = orjson.dumps(value)
            if len(body) > _LARGEST_VALUE:
                raise TooLargeError(f"the value would be larger than {_LARGEST_VALUE} bytes")
            return orjson.loads(body)  # a copy: parts of the value may be parts of the kept schema
        except DeadEndError as error:
            reason = reason or error
        if builder.steps > _ENOUGH:
            break
    raise UnsatisfiableError(f"no value was found: {reason}")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")
