"""Reads and changes what a body has at a path: names joined by full stops, such as `data.output`."""

from collections.abc import Mapping
from typing import Any, Final


class _Absent:
    """What a body has at a place it does not have."""

    __slots__ = ()


ABSENT: Final = _Absent()


def at(body: Any, path: str, otherwise: Any = None) -> Any:
    """Return what a body has at a path, `otherwise` where it has no such place."""
    for name in path.split("."):
        if not isinstance(body, Mapping) or name not in body:
            return otherwise
        body = body[name]
    return body


def changed(body: Any, path: str, value: Any, *, add: bool = False) -> Any:
    """Return a body with another value at a path, in every item of a list; without the place where it is ABSENT.

    A place that is not there stays so unless `add`. Nothing is changed in place, as a body may be a catalogue's own,
    and where nothing changes the same body is returned.

    >>> changed({"data": {"output": "url"}}, "data.output", "")
    {'data': {'output': ''}}
    """
    if isinstance(body, list):
        items = [changed(one, path, value, add=add) for one in body]
        return body if all(new is old for new, old in zip(items, body, strict=True)) else items
    name, _, rest = path.partition(".")
    if not isinstance(body, dict) or (name not in body and (rest or not add)):
        return body
    was = body.get(name, ABSENT)
    now = changed(was, rest, value, add=add) if rest else value
    if now is was or (type(now) is type(was) and now == was):
        return body
    if now is ABSENT:
        return {key: kept for key, kept in body.items() if key != name}
    return {**body, name: now}
