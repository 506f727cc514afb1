"""What the faults have in common that change the JSON of a reply."""

from collections.abc import Callable
from typing import Any

import orjson

from soundstage.core.call import Reply


def json_of(reply: Reply) -> Any:
    """Return a reply's JSON object or list; None where it is none."""
    body = reply.body
    if isinstance(body, bytes) and reply.content_type.startswith("application/json"):
        try:
            body = orjson.loads(body)
        except ValueError:
            return None  # another fault has broken it
    # A list has this very type: a stream is a tuple with a name.
    return body if isinstance(body, dict | list) else None


def changed(body: Any, path: str, change: Callable[[dict[str, Any], str], dict[str, Any]]) -> Any:
    """Return a body with `change(object, name)` made where `path` leads: names joined by full stops, into every item.

    What is not there is left alone; nothing is changed in place, as a body may be a catalogue's own.
    """
    if isinstance(body, list):
        return [changed(one, path, change) for one in body]
    name, _, rest = path.partition(".")
    if not isinstance(body, dict):
        return body
    if not rest:
        return change(body, name)
    return {**body, name: changed(body[name], rest, change)} if name in body else body
