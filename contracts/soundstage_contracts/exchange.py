"""One request and what came back, as values: what checks look at, reports show and tapes keep."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from soundstage_contracts.verdict import Broken

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `path` is the documented path with its query, or a whole URL where a reply gave one.

    A key is put on by the driver just before sending (`Stage.call`), never by whoever builds the request.
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def get(cls, path: str, query: Mapping[str, Any] | None = None) -> Self:
        """Return a GET, with `query` encoded behind the path; None values are left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return cls("GET", f"{path}?{urlencode(given)}" if given else path)

    @classmethod
    def json(cls, path: str, value: Any, method: str = "POST") -> Self:
        """Return a request whose body is `value` as JSON."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(method, path, (("content-type", "application/json"),), body)

    @classmethod
    def raw(cls, path: str, body: bytes, content_type: str | None, method: str = "POST") -> Self:
        """Return a request with exactly these bytes, for bodies that are no JSON or no proper one."""
        return cls(method, path, () if content_type is None else (("content-type", content_type),), body)

    @classmethod
    def multipart(
        cls, path: str, fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, str, str, bytes]]
    ) -> Self:
        """Return a form with `fields` (name, text) and `files` (name, file name, content type, bytes).

        The boundary is fixed, so that the same fields are the same bytes.
        """
        boundary = "soundstage-contracts-boundary"
        parts: list[tuple[str, str | None, bytes]] = [
            (f'form-data; name="{name}"', None, text.encode()) for name, text in fields
        ]
        parts += [(f'form-data; name="{name}"; filename="{file}"', kind, data) for name, file, kind, data in files]
        body = b""
        for disposition, kind, data in parts:
            head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n"
            head += f"Content-Type: {kind}\r\n\r\n" if kind else "\r\n"
            body += head.encode() + data + b"\r\n"
        return cls.raw(path, body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}")

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in any case of letters."""
        return _header(self.headers, name)

    def having(self, name: str, value: str) -> Request:
        """Return the request with one header more."""
        return replace(self, headers=(*self.headers, (name, value)))

    def asking(self, **query: Any) -> Request:
        """Return the request with more query parameters."""
        joint = "&" if "?" in self.path else "?"
        return replace(self, path=f"{self.path}{joint}{urlencode(query)}")

    def value(self) -> Any:
        """Return the body's JSON, or None where it is none."""
        return _value(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, headers in order, the whole body, and how many seconds it took."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    took: float = 0.0

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in any case of letters."""
        return _header(self.headers, name)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty when there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    def value(self) -> Any:
        """Return the body's JSON, or None where it is none."""
        return _value(self.body)

    def json(self) -> Any:
        """Return the body's JSON; raises Broken when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Broken(f"the reply ({self.status}) is no JSON: {self.body[:80]!r}") from None

    def object(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object; raises Broken when it is not."""
        value = self.json()
        if not isinstance(value, dict):
            raise Broken(f"the reply ({self.status}) is no JSON object: {self.body[:80]!r}")
        return value

    def field(self, *names: str) -> Any:
        """Return what is under these names, one inside the other; raises Broken when one is missing."""
        value: Any = self.object()
        for name in names:
            if not isinstance(value, dict) or name not in value:
                raise Broken(f"the reply ({self.status}) has no {'.'.join(names)}: {self.body[:200]!r}")
            value = value[name]
        return value


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request of a check with its reply, or with the reason why none came.

    `kind` is `call` (to the target), `file` (a URL a reply gave), `setup` (to the adapter) or `callback` (the target
    called us: then `request` is what came and `reply` what we answered). `check` is the id of the check it belongs to,
    `account` the label of the key it was made with.
    """

    request: Request
    reply: Reply | None
    kind: str = "call"
    check: str = ""
    account: str = ""
    failure: str = ""


def _value(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _header(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for given, value in headers if given.lower() == wanted), None)
