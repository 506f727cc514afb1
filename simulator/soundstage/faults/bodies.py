"""Reads and changes a provider's body where the provider's shape says something is, such as `data.output`."""

from typing import Any


def value_at(body: dict[str, Any], path: str) -> Any:
    """Return what a body has at a path, None where it has nothing."""
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a body with another value at a path; the same body where it has no such place, or that value already.

    >>> with_value({"data": {"output": "url"}}, "data.output", "")
    {'data': {'output': ''}}
    """
    name, _, rest = path.partition(".")
    if name not in body:
        return body
    was = body[name]
    if rest:
        value = with_value(was, rest, value) if isinstance(was, dict) else was
    if value is was or (type(value) is type(was) and value == was):
        return body
    return {**body, name: value}
