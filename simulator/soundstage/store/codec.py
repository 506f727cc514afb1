"""Log entries as bytes: the core's records by name, the rest as plain JSON. Nothing here runs code from a log."""

import dataclasses
import json
from base64 import b64decode, b64encode
from typing import Any, Final

from soundstage.core.bent import Applied, Bent
from soundstage.core.call import BlobRef
from soundstage.core.clock import Clock
from soundstage.core.outbox import Attempt, Delivery
from soundstage.core.rules import Aim, Book, Rule
from soundstage.core.slots import SlotLimits, Slots, Waiting
from soundstage.core.task import Task
from soundstage.core.timeline import Point
from soundstage.core.universe import Key, Registered, Universe
from soundstage.core.uploads import Upload
from soundstage.core.usage import Use
from soundstage.core.view import GONE, Writes
from soundstage.core.wallet import Entry, Wallet

_RECORDS: Final[dict[str, type[Any]]] = {
    record.__name__: record
    for record in (
        Aim,
        Applied,
        Attempt,
        Bent,
        BlobRef,
        Book,
        Clock,
        Delivery,
        Entry,
        Key,
        Point,
        Registered,
        Rule,
        Slots,
        SlotLimits,
        Task,
        Universe,
        Upload,
        Use,
        Waiting,
        Wallet,
    )
}


def encode(writes: Writes, now: int) -> bytes:
    """Return one log entry: the writes of a step and the instant it was made."""
    return json.dumps(
        [now, [[table, [[_plain(key), _plain(row)] for key, row in rows.items()]] for table, rows in writes.items()]]
    ).encode()


def decode(entry: bytes) -> tuple[Writes, int]:
    """Return the writes and the instant of a log entry."""
    now, writes = json.loads(entry)
    return {table: {_record(key): _record(row) for key, row in rows} for table, rows in writes}, now


def _plain(value: Any) -> Any:
    if value is GONE:
        return {"": "gone"}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"": type(value).__name__, "of": [_plain(item) for item in value]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [_plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
        return {"": type(value).__name__, "of": fields}
    if isinstance(value, bytes):
        return {"": "bytes", "of": b64encode(value).decode()}
    if isinstance(value, frozenset):
        return {"": "set", "of": sorted(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _record(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_record(item) for item in value)
    if not isinstance(value, dict):
        return value
    name: str = value[""]
    content: Any = value.get("of")
    if name == "gone":
        return GONE
    if name == "bytes":
        return b64decode(content)
    if name == "set":
        return frozenset(content)
    return _RECORDS[name](*(_record(item) for item in content))
