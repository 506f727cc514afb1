"""What the faults have in common that change the JSON of a reply."""

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
