"""The lines of a tape and what they say: a header, then one exchange a line, in the order in which they happened."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soundstage_contracts.exchange import Exchange, Headers, Reply, Request

VERSION = 1


class TapeError(ValueError):
    """A file that is no tape, or one that this version cannot read."""


@dataclass(frozen=True, slots=True)
class Taped:
    """An exchange on a tape: its layer, and when a callback came in Unix seconds (0 for everything else)."""

    exchange: Exchange
    layer: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a tape.

    `callback_url` is the public URL of the suite's receiver, `given` the placeholders of --api-key and --webhook-secret
    with the account's label, None where the adapter made every account.
    """

    provider: str
    base_url: str = ""
    seed: int | None = None
    assumptions: bool = True
    callback_url: str | None = None
    given: dict[str, str | None] | None = None

    def line(self) -> dict[str, Any]:
        """Return the header as JSON."""
        return {"soundstage_tape": VERSION, **{name: getattr(self, name) for name in Header.__slots__}}


@dataclass(frozen=True, slots=True)
class Tape:
    """A tape in memory."""

    header: Header
    taped: tuple[Taped, ...]

    @classmethod
    def read(cls, path: Path) -> Tape:
        """Return what is on a tape; raises TapeError for a file that is none, OSError for one that cannot be read."""
        lines = _lines(path)
        first = next(lines, None)
        if not isinstance(first, dict) or first.get("soundstage_tape") != VERSION:
            raise TapeError(f"{path.name} is no tape of version {VERSION}")
        try:
            header = Header(**{name: first[name] for name in Header.__slots__ if name in first})
            return cls(header, tuple(taped(line) for line in lines))
        except TapeError:
            raise
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise TapeError(f"{path.name} has a line that is no exchange: {error!r}") from None


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                raise TapeError(f"{path.name} is no tape: line {number} is no JSON") from None


def line_of(kept: Taped) -> dict[str, Any]:
    """Return an exchange as one line of a tape."""
    given = kept.exchange
    request = {"method": given.request.method, "path": given.request.path, **_said(given.request)}
    reply = given.reply and {"status": given.reply.status, **_said(given.reply), "took": round(given.reply.took, 4)}
    about = {"layer": kept.layer, "check": given.check, "kind": given.kind, "account": given.account}
    more = {"failure": given.failure, "at": round(kept.at, 3)}
    return {**about, "request": request, "reply": reply, **{name: value for name, value in more.items() if value}}


def taped(line: dict[str, Any]) -> Taped:
    """Return the exchange that a line of a tape says."""
    asked, came = line["request"], line["reply"]
    request = Request(str(asked["method"]), str(asked["path"]), _headers(asked), _body(asked))
    reply = came and Reply(int(came["status"]), _headers(came), _body(came), float(came.get("took", 0)))
    about = str(line["kind"]), str(line["check"]), str(line["account"]), str(line.get("failure", ""))
    return Taped(Exchange(request, reply, *about), str(line["layer"]), float(line.get("at", 0)))


def _said(given: Request | Reply) -> dict[str, Any]:
    headers = [list(pair) for pair in given.headers]
    if not given.body:
        return {"headers": headers}
    try:
        return {"headers": headers, "text": given.body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"headers": headers, "base64": base64.b64encode(given.body).decode()}


def _headers(given: dict[str, Any]) -> Headers:
    return tuple((str(name), str(value)) for name, value in given["headers"])


def _body(given: dict[str, Any]) -> bytes:
    if "base64" in given:
        return base64.b64decode(given["base64"], validate=True)
    text: str = given.get("text", "")
    return text.encode("utf-8")
