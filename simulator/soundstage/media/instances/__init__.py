"""Values that are valid under a JSON Schema, for structured answers and tool arguments, drawn from words and bounds.

A schema comes from outside: work, depth and size are bounded, and nothing is fetched.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from soundstage.core.randomness import Draw
from soundstage.media.instances.build import make
from soundstage.media.instances.errors import DeadEndError, TooLargeError, UnsatisfiableError
from soundstage.media.instances.fits import refuse_endless_work
from soundstage.media.instances.plan import MOST_NODES, place, plan_for, said
from soundstage.media.instances.state import LARGEST_VALUE, State

__all__ = ["DeadEndError", "TooLargeError", "UnsatisfiableError", "instance"]


def instance(schema: Mapping[str, Any] | bool, draw: Draw) -> Any:
    """Return a JSON value that is valid under the schema, the same for the same draw.

    The schema is JSON Schema 2020-12, or the draft it names. Raises UnsatisfiableError, with a sentence to show, for
    a schema that is not valid, asks for too much, refers to elsewhere, or that no value was found for.
    Example: `instance({"type": "integer", "minimum": 3, "maximum": 3}, draw)` is 3.
    """
    try:
        raw = orjson.dumps(schema, default=_plain)
    except TypeError as error:
        raise UnsatisfiableError(f"the schema is not JSON: {said(error)}") from None
    try:
        return _instance(raw, draw)
    except RecursionError:
        raise TooLargeError("the schema is nested too deeply") from None


def _instance(raw: bytes, draw: Draw) -> Any:
    plan = plan_for(raw)
    state = State(plan, draw)
    value = make(state, plan.root, "")
    body = orjson.dumps(value)
    if len(body) > LARGEST_VALUE:
        raise TooLargeError(f"the value would be larger than {LARGEST_VALUE} bytes")
    refuse_endless_work(plan, value, MOST_NODES - state.nodes)
    try:
        valid = plan.validator.is_valid(value)
    except ValueError as error:
        raise UnsatisfiableError(f"the schema could not be checked: {said(error)}") from None
    if not valid:
        wrong = next(plan.validator.iter_errors(value))
        raise UnsatisfiableError(f"no valid value was found{place(wrong)}: {said(wrong)}")
    return orjson.loads(body)  # a copy: parts of the value may be parts of the kept schema


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")
