"""What is odd around a body: content types, methods, headers, queries, keys, ids and paths."""

from __future__ import annotations

Header = tuple[bytes, bytes]
JSON_TYPES = (
    b"application/json",
    b"application/json; charset=utf-8",
    b"APPLICATION/JSON",
    b"application/vnd.api+json",
)
WRONG_TYPES = (
    b"text/plain",
    b"",
    b"application/xml",
    b"application/json; charset=latin-1",
    b"image/png",
    b"\xe9",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data",
    b"*/*",
    b"application/json/x",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND", "TRACE", "LINK")
HEADERS: tuple[Header, ...] = (
    (b"Accept", b"text/html;q=0.1"),
    (b"Accept", b"x" * 4000),
    (b"Accept-Encoding", b"br, gzip, zstd"),
    (b"Cookie", b"a=b; c"),
    (b"Expect", b"100-continue"),
    (b"Forwarded", b"for=_x"),
    (b"Idempotency-Key", b"k"),
    (b"If-None-Match", b"*"),
    (b"OpenAI-Beta", b"assistants=v2"),
    (b"Origin", b"https://evil.example"),
    (b"Range", b"bytes=0-1"),
    (b"TE", b"trailers"),
    (b"Upgrade", b"h2c"),
    (b"User-Agent", b""),
    (b"Via", b"1.0 x"),
    (b"X-Forwarded-For", b"10.1.2.3"),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"X-Note", b"caf\xe9 \xff"),
    (b"X-Soundstage-Attempt", b"1"),
    (b"X-Soundstage-Universe", b"*"),
)
QUERIES = (
    "a=1",
    "a=1&a=2",
    "x=%ff%fe",
    "&&&=",
    "%",
    "=%00",
    "a" * 3000 + "=1",
    "&".join(f"f{number}=1" for number in range(150)),
    "api_key=sk_fuzz_nobody_here",
    "limit=0",
    "limit=-1&page=x",
    "limit=1_0",
    "page=99999999999999999999",
    "from=2026-99-99",
    "groupBy=model&from=2026-01-01",
    "startDate=2026-01-01&endDate=2025-01-01",
    "format=csv",
)
ASKED = ("", " ", "0", "-1", "1.0", "1e3", "x", "\x00", "☃", "٣", "2026-13-01", "2026-01-01T25:00", "9" * 400, "a,b")
BAD_KEYS = (
    b"",
    b"short",
    b"x" * 201,
    b"sk test with spaces",
    b"sk_caf\xe9_caf\xe9",
    b"sk_fuzz_me_revoked",
    b"a;b|c$d&e*f",
    b"sk_fuzz_unknown_but_fine",
)
TASKS = (
    "task_none",
    "%00",
    "%ff",
    "..%2f..",
    "%",
    "a" * 5000,
    "task_%F0%9F%A6%8A",
    "'--",
    "TASK_0123456789ABCDEF01234567",
)


def paths(path: str) -> tuple[str, ...]:
    """Return paths near a good one that lead nowhere, or nearly so."""
    return (
        "",
        "/",
        "/%",
        "/*",
        "/" + "a" * 4000,
        "/v1/../v1/models",
        f"/{path}",
        f"{path}/",
        f"{path}/x",
        f"{path}%20",
        f"{path};a=b",
        path[:-1],
        path.upper(),
        path.replace("o", "%6F"),
        path.replace("/v1", ""),
        path.replace("/v1", "/v2"),
    )
