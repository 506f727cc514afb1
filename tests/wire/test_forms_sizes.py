"""Forms against POST /v1/videos that are large, compressed or of many parts: 413 beyond each limit, read up to it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from urllib.parse import quote_plus, urlencode

import pytest

from soundstage.edge.forms import FIELD_LIMIT
from support.client import PROMPT, House
from support.forms import BASE, GOOD, PNG, URLENCODED, field, fields_of, form, part, refused, send, untouched, upload

MEBIBYTE = 1 << 20


async def test_a_hundred_parts_are_read_and_one_more_is_not(stage: House) -> None:
    extra = [field(f"f{number}", "x") for number in range(99)]
    assert (await send(stage, form(BASE, *extra[:98]))).status == 200
    await stage.admin().ok("POST", "/reset", {"what": "all"})
    assert "100" in refused(await send(stage, form(BASE, *extra)), 413)
    pairs = [("model", "seedance-2"), ("prompt", PROMPT), *((f"f{number}", "x") for number in range(99))]
    assert "100" in refused(await send(stage, urlencode(pairs).encode(), URLENCODED), 413)
    await untouched(stage)


@pytest.mark.parametrize(
    ("why", "head"),
    [
        ("a long name", f'Content-Disposition: form-data; name="{"n" * 5000}"'),
        ("a long header", 'Content-Disposition: form-data; name="a"\r\nX-Long: ' + "x" * 100_000),
        ("many headers", 'Content-Disposition: form-data; name="a"' + "\r\nX-More: 1" * 50),
    ],
)
async def test_long_part_headers_are_too_large(stage: House, why: str, head: str) -> None:
    refused(await send(stage, form(BASE, part(head, "x"))), 413)
    await untouched(stage)


async def in_pieces(body: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """Yield a body in pieces, so that its length is not announced."""
    for at in range(0, len(body), size):
        yield body[at : at + size]


FILE_LIMIT = 33_554_432
FORM_LIMIT = FILE_LIMIT + 8 * FIELD_LIMIT
HUGE = form(BASE, upload(PNG + b"\0" * FILE_LIMIT))
LONG = form(BASE, field("user", "x" * (FIELD_LIMIT + 1)))


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
@pytest.mark.parametrize(
    ("body", "limit", "name"),
    [(HUGE, FILE_LIMIT, "input_reference"), (LONG, FIELD_LIMIT, "user")],
    ids=["file", "field"],
)
async def test_a_file_or_field_over_its_limit_is_too_large(
    stage: House, announced: bool, body: bytes, limit: int, name: str
) -> None:
    answer = await send(stage, body if announced else in_pieces(body))
    assert str(limit) in refused(answer, 413, name)
    await untouched(stage)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
async def test_many_fields_and_files_within_their_limits_are_too_large_together(stage: House, announced: bool) -> None:
    body = form(BASE, upload(PNG.ljust(FILE_LIMIT, b"\0")), *[field(f"f{n}", b"x" * FIELD_LIMIT) for n in range(9)])
    answer = await send(stage, body if announced else in_pieces(body))
    assert str(FORM_LIMIT) in refused(answer, 413)
    await untouched(stage)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
async def test_a_file_just_at_its_limit_is_read(stage: House, announced: bool) -> None:
    body = form(BASE, upload(PNG.ljust(FILE_LIMIT, b"\0")))
    answer = await send(stage, body if announced else in_pieces(body))
    assert (fields_of(stage, answer))["input_mode"] == "image-to-video"


async def test_a_urlencoded_body_over_a_mebibyte_is_too_large(stage: House) -> None:
    body = b"model=seedance-2&prompt=" + quote_plus("x" * MEBIBYTE).encode()
    for data in (body, in_pieces(body)):
        refused(await send(stage, data, URLENCODED), 413)
    await untouched(stage)


@pytest.mark.parametrize(
    ("why", "coding", "body", "status"),
    [
        ("gzip bomb in a file", "gzip", gzip.compress(HUGE, 1), 413),
        ("deflate bomb in a field", "deflate", zlib.compress(form(BASE, field("a", "x" * (16 * MEBIBYTE)))), 413),
        ("broken gzip", "gzip", b"this is no gzip", 400),
        ("cut gzip", "gzip", gzip.compress(GOOD)[:-40], 400),
        ("not compressed", "gzip", GOOD, 400),
    ],
    ids=["gzip bomb in a file", "deflate bomb in a field", "broken gzip", "cut gzip", "not compressed"],
)
async def test_a_hostile_compressed_form_is_refused(
    stage: House, why: str, coding: str, body: bytes, status: int
) -> None:
    refused(await send(stage, body, headers={"Content-Encoding": coding}), status)
    await untouched(stage)


async def test_an_honestly_compressed_form_is_read(stage: House) -> None:
    sent = {"Content-Encoding": "gzip"}
    assert (await send(stage, gzip.compress(GOOD), headers=sent)).status == 200
    plain = urlencode({"model": "seedance-2", "prompt": PROMPT}).encode()
    assert (await send(stage, gzip.compress(plain), URLENCODED, headers=sent)).status == 200


async def test_a_compressed_urlencoded_bomb_is_too_large(stage: House) -> None:
    bomb = gzip.compress(b"model=seedance-2&prompt=" + b"x" * (64 * MEBIBYTE), 1)
    refused(await send(stage, bomb, URLENCODED, {"Content-Encoding": "gzip"}), 413)
    await untouched(stage)
