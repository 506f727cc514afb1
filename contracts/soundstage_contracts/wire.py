"""Sends requests as they are: no retries, no redirects, no cookies, nothing read from the environment."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

import urllib3

from soundstage_contracts import clock
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.verdict import NotTested, UnreachableError

GUARD = "x-contract-guard"
"""The header of a reply that the guard made itself, because it did not let the request pass; its value says why."""

MOST_BYTES = 4 * 2**20
MOST_FILE_BYTES = 64 * 2**20
"""A longer reply, or file of a URL that a reply gave, is no answer: a target may not fill the suite's memory."""
MOST_SILENCES = 4
"""A body may take so many times the time-out in all, however little of it comes at a time."""


class Sender(Protocol):
    """What carries a request to the target and its reply back."""

    def send(self, request: Request) -> Reply:
        """Return the reply; raises UnreachableError when none comes, NotTested when the guard refused the request."""
        ...

    def close(self) -> None:
        """Let the connections go."""
        ...


class LiveSender:
    """Sends over the network, safe to use from several threads."""

    def __init__(self, base_url: str, timeout: float = 30.0, connections: int = 32) -> None:
        """Send to `base_url`, what stands in for the provider's scheme and host; `timeout` in seconds."""
        self.base_url = base_of(base_url)
        self._timeout = timeout
        self._pool = urllib3.PoolManager(
            maxsize=connections, retries=False, timeout=urllib3.Timeout(connect=min(timeout, 10.0), read=timeout)
        )

    def send(self, request: Request) -> Reply:
        """Return the reply to `request`, whose path may be a whole URL."""
        url = request.path if "://" in request.path else self.base_url + request.path
        begun = clock.monotonic()
        headers = urllib3.HTTPHeaderDict()
        for name, value in request.headers:
            headers.add(name, value)
        try:
            came = self._pool.request(
                request.method, url, body=request.body or None, headers=headers, redirect=False, preload_content=False
            )
            body = self._body(came, MOST_FILE_BYTES if "://" in request.path else MOST_BYTES, begun)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise UnreachableError(reason_of(error, url)) from None
        reply = Reply(came.status, tuple(came.headers.items()), body, clock.monotonic() - begun)
        refused = reply.header(GUARD)
        if refused is not None:
            raise NotTested(f"the guard did not let it pass: {refused}")
        return reply

    def _body(self, came: urllib3.BaseHTTPResponse, most: int, begun: float) -> bytes:
        """Read a whole body; raises OSError when it is too long or does not come to its end."""
        parts: list[bytes] = []
        size = 0
        try:
            for part in came.stream(2**16):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise OSError(f"more than {most // 2**20} MiB came")
                if clock.monotonic() - begun > MOST_SILENCES * self._timeout:
                    raise OSError("the reply came too slowly to wait for its end")
        except BaseException:
            came.close()
            raise
        came.release_conn()
        return b"".join(parts)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


def base_of(given: str) -> str:
    """Return a base URL without what the documented paths bring themselves: a trailing slash, /v1 or /v2."""
    url = given.rstrip("/")
    for version in ("/v1", "/v2"):
        url = url.removesuffix(version)
    return url.rstrip("/")


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def reason_of(error: Exception, url: str) -> str:
    """Return in a few words why no reply came from `url`."""
    cause: BaseException = error
    while (deeper := getattr(cause, "reason", None) or cause.__cause__ or cause.__context__) is not None:
        if not isinstance(deeper, BaseException) or deeper is cause:
            break
        cause = deeper
    says = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause).rpartition(": ")[2]
    return f"{origin_of(url)} gave no answer: {says or type(cause).__name__}"
