"""Forms against POST /v1/videos: odd ones are read, hostile ones refused in words, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundstage.core.call import Form
from soundstage.edge.forms import read_form
from support.client import PROMPT, Gateway, House
from support.forms import (
    BASE,
    BOUNDARY,
    GOOD,
    MP4,
    PATH,
    PNG,
    TYPE,
    URLENCODED,
    field,
    fields_of,
    form,
    part,
    refused,
    send,
    untouched,
    upload,
)
from unit.stage import finish


async def test_r_key_025_openais_clients_send_a_form_even_without_a_file(stage: House) -> None:
    """R-KEY-025, D8."""
    body = form(BASE, field("seconds", "6"), field("size", "1280x720"))
    made = fields_of(stage, await send(stage, body))
    assert (made["duration"], made["resolution"], made["input_mode"]) == (6, "720p", "text-to-video")


@pytest.mark.parametrize(
    ("content", "mode"), [(PNG, "image-to-video"), (MP4, "video-to-video")], ids=["image", "video"]
)
@pytest.mark.parametrize(
    "filename", ["a.png", "a.mp4", "", "nul\0.txt", "../../etc/passwd", "C:\\\\x\\\\a.png", "ü.png"]
)
async def test_a_file_is_what_its_bytes_are_whatever_it_is_called(
    stage: House, content: bytes, mode: str, filename: str
) -> None:
    answer = await send(stage, form(BASE, upload(content, filename=filename)))
    assert (fields_of(stage, answer))["input_mode"] == mode


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PN", b"just text", b"ID3\4" + b"\0" * 60, b"%PDF-1.7", b"<svg/>", b"MZ" * 50, b"GIF88a" + PNG],
    ids=["nothing", "cut", "text", "sound", "document", "drawing", "program", "almost a picture"],
)
async def test_bytes_that_lie_about_their_type_are_refused(stage: House, content: bytes) -> None:
    body = form(BASE, upload(content, filename="a.png", more="\r\nContent-Type: image/png"))
    assert "input_reference" in refused(await send(stage, body), 400, "input_reference")
    await untouched(stage)


@pytest.mark.parametrize("name", ["images", "images[]"])
async def test_a_list_is_a_repeated_field_with_or_without_brackets(stage: House, name: str) -> None:
    urls = [f"https://example.com/{number}.png" for number in range(4)]
    made = fields_of(stage, await send(stage, form(BASE, *(field(name, url) for url in urls))))
    assert (made["images"], made["input_mode"]) == (urls, "image-to-video")
    again = await send(stage, urlencode([("model", "seedance-2"), *((name, url) for url in urls)]).encode(), URLENCODED)
    assert (fields_of(stage, again))["images"] == urls


async def test_a_urlencoded_form_is_read(stage: House) -> None:
    given = {"model": "seedance-2-fast", "prompt": "a+b & c=d ü", "duration": "6", "max_credits": "72"}
    made = fields_of(stage, await send(stage, urlencode(given).encode(), URLENCODED))
    assert (made["prompt"], made["duration"]) == ("a+b & c=d ü", 6)
    assert (await stage.admin().wallet())["held"] == 72


@pytest.mark.parametrize(
    ("why", "body"),
    [
        ("no last line break", GOOD[:-2]),
        ("line break in front", b"\r\n" + GOOD),
        ("preamble", b"this is a form\r\n" + GOOD),
        ("epilogue", GOOD + b"that was a form\r\n"),
        ("text type", form(BASE, part('Content-Disposition: form-data; name="duration"\r\n'
                                      "Content-Type: text/plain", "6"))),
        ("unquoted name", form(BASE, part("Content-Disposition: form-data; name=duration", "6"))),
        ("other case", form(BASE, part('content-disposition: form-data; NAME="duration"', "6"))),
        ("binary encoding", form(BASE, part('Content-Disposition: form-data; name="duration"\r\n'
                                           "Content-Transfer-Encoding: binary", "6"))),
        ("boundary in a value", form(BASE, field("user", f"--{BOUNDARY}"))),
        ("line break in a prompt", form(field("model", "seedance-2"), field("prompt", "one\r\ntwo\r\n"))),
        ("a folded header", form(BASE, part('Content-Disposition: form-data;\r\n name="duration"', "6"))),
        ("exact length", form(BASE, part('Content-Disposition: form-data; name="duration"\r\nContent-Length: 1', "6"))),
    ],
)  # fmt: skip
async def test_an_odd_but_honest_form_is_read(stage: House, why: str, body: bytes) -> None:
    assert (await send(stage, body)).status == 200
    await stage.admin().sound()


DAMAGED: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("blank", b"\r\n\r\n"),
    ("no boundary in it", b"model=seedance-2"),
    ("json", b'{"model": "seedance-2", "prompt": "abc"}'),
    ("only the last boundary missing", form(BASE, end=b"")),
    ("last boundary cut", GOOD[:-6]),
    ("cut in a header", GOOD[:40]),
    ("cut in a value", GOOD[:-40]),
    ("another boundary", GOOD.replace(b"x-boundary-x", b"y-boundary-y")),
    ("bytes before the boundary", b"junk" + GOOD),
    ("bytes after a boundary", GOOD.replace(b"x-boundary-x\r\n", b"x-boundary-xyz\r\n", 1)),
    ("bare line feeds", GOOD.replace(b"\r\n", b"\n")),
    ("bare carriage returns", GOOD.replace(b"\r\n", b"\r")),
    ("no blank line", GOOD.replace(b"\r\n\r\n", b"\r\n")),
    ("no name", form(BASE, part("Content-Disposition: form-data", "x"))),
    ("no disposition", form(BASE, part("Content-Type: text/plain", "x"))),
    ("no headers", form(BASE, part("", "x"))),
    ("an attachment", form(BASE, part('Content-Disposition: attachment; name="a"', "x"))),
    ("no colon", form(BASE, part("Content-Disposition", "x"))),
    ("a space in a header's name", form(BASE, part('Content Disposition: form-data; name="a"', "x"))),
    ("no utf-8 in a header", form(BASE, part(b'Content-Disposition: form-data; name="\xff"', "x"))),
    ("no utf-8 in a field", form(field("model", "seedance-2"), field("prompt", b"\xff\xfe"))),
    ("a lone surrogate", form(field("model", "seedance-2"), field("prompt", b"\xed\xa0\x80"))),
    ("latin-1", form(field("model", "seedance-2"), field("prompt", "Zürich".encode("latin-1")))),
    ("a length too long", form(BASE, part('Content-Disposition: form-data; name="a"\r\nContent-Length: 9', "x"))),
    ("a length too short", form(BASE, part('Content-Disposition: form-data; name="a"\r\nContent-Length: 1', "xyz"))),
    ("a length that is none", form(BASE, part('Content-Disposition: form-data; name="a"\r\nContent-Length: -1', "x"))),
]


@pytest.mark.parametrize(("why", "body"), DAMAGED, ids=[case[0] for case in DAMAGED])
async def test_a_damaged_form_is_refused(stage: House, why: str, body: bytes) -> None:
    refused(await send(stage, body))
    await untouched(stage)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=other",
        f"multipart/form-data; boundary={'b' * 71}",
        f"multipart/form-data; boundary={'b' * 5000}",
        f"multipart/form-data; border={BOUNDARY}",
    ],
)
async def test_a_missing_or_bad_boundary_is_refused(stage: House, content_type: str) -> None:
    refused(await send(stage, GOOD, content_type))
    await untouched(stage)


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed; boundary=x", "multipart/related; boundary=x", "text/plain", ""]
)
async def test_another_type_is_refused_and_both_right_ones_are_named(stage: House, content_type: str) -> None:
    message = refused(await send(stage, GOOD, content_type), 415)
    assert "application/json" in message
    assert "multipart/form-data" in message
    await untouched(stage)


@pytest.mark.parametrize(
    "path", ["/v1/images/generations", "/v1/music/generations", "/v1/chat/completions", "/v1/embeddings"]
)
async def test_only_videos_take_forms(stage: House, path: str) -> None:
    for content_type in (TYPE, URLENCODED):
        sent = {"Content-Type": content_type}
        refused(await stage.gateway().call("POST", path, data=GOOD, headers=sent), 415)
    await untouched(stage)


BASE64 = 'Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64'
INNER = 'Content-Disposition: form-data; name="duration"\r\nContent-Type: multipart/mixed; boundary=in'
NESTED = b'--in\r\nContent-Disposition: form-data; name="duration"\r\n\r\n6\r\n--in--'
WRONG: list[tuple[str, bytes, int, str | None]] = [
    ("no parts", b"--x-boundary-x--\r\n", 400, "model"),
    ("no model", form(field("prompt", PROMPT)), 400, "model"),
    ("empty model", form(field("model", ""), field("prompt", PROMPT)), 404, "model"),
    ("unknown model", form(field("model", "seedance-9"), field("prompt", PROMPT)), 404, "model"),
    ("a model for chat", form(field("model", "gpt-5"), field("prompt", PROMPT)), 400, "model"),
    ("two models", form(BASE, field("model", "seedance-2")), 400, "model"),
    ("model as a file", form(upload(b"seedance-2", name="model"), field("prompt", PROMPT)), 400, "model"),
    ("no prompt", form(field("model", "seedance-2")), 400, "prompt"),
    ("empty prompt", form(field("model", "seedance-2"), field("prompt", "")), 400, "prompt"),
    ("long prompt", form(field("model", "seedance-2"), field("prompt", "x" * 5001)), 400, "prompt"),
    ("two prompts", form(BASE, field("prompt", "again")), 400, "prompt"),
    ("two prompts, one in brackets", form(BASE, field("prompt[]", "again")), 400, "prompt"),
    ("prompt as a file", form(field("model", "seedance-2"), upload(b"a prompt", name="prompt")), 400, "prompt"),
    ("a word for duration", form(BASE, field("duration", "abc")), 400, "duration"),
    ("nothing for duration", form(BASE, field("duration", "")), 400, "duration"),
    ("null for duration", form(BASE, field("duration", "null")), 400, "duration"),
    ("half a second", form(BASE, field("duration", "6.5")), 400, "duration"),
    ("negative duration", form(BASE, field("duration", "-6")), 400, "duration"),
    ("long duration", form(BASE, field("duration", "16")), 400, "duration"),
    ("endless duration", form(BASE, field("duration", "9" * 5000)), 400, "duration"),
    ("infinite duration", form(BASE, field("duration", "inf")), 400, "duration"),
    ("duration as a file", form(BASE, upload(b"6", name="duration")), 400, "duration"),
    ("two durations", form(BASE, field("duration", "6"), field("duration", "7")), 400, "duration"),
    ("a word for seconds", form(BASE, field("seconds", "abc")), 400, "seconds"),
    ("duration and seconds", form(BASE, field("duration", "6"), field("seconds", "6")), 400, None),
    ("a word for max_credits", form(BASE, field("max_credits", "all")), 400, "max_credits"),
    ("max_credits not a number", form(BASE, field("max_credits", "nan")), 400, "max_credits"),
    ("infinite max_credits", form(BASE, field("max_credits", "inf")), 400, "max_credits"),
    ("negative max_credits", form(BASE, field("max_credits", "-1")), 400, "max_credits"),
    ("json for images", form(BASE, field("images", '["https://example.com/a.png"]')), 400, "images.0"),
    ("an image as a file", form(BASE, upload(PNG, name="images[]")), 400, "images.0"),
    ("five images", form(BASE, *[field("images[]", "https://example.com/a.png")] * 5), 400, "images"),
    ("an image and a file", form(BASE, field("images", "https://example.com/a.png"), upload(PNG)), 400, None),
    ("two files", form(BASE, upload(PNG), upload(PNG)), 400, "input_reference"),
    ("text for a file", form(BASE, field("input_reference", "https://example.com/a.png")), 400, "input_reference"),
    ("json for a file", form(BASE, field("input_reference", '{"size": 9}')), 400, "input_reference"),
    ("http callback", form(BASE, field("callback_url", "http://example.com/hook")), 400, "callback_url"),
    ("a null byte", form(BASE, field("resolution", "720p\0")), 400, "resolution"),
    ("a name with a null byte", form(field("model\0", "seedance-2"), field("prompt", PROMPT)), 400, "model"),
    ("no name at all", form(field("", "seedance-2"), field("prompt", PROMPT)), 400, None),
    ("base64 encoding", form(field("prompt", PROMPT), part(BASE64, "c2VlZGFuY2UtMg==")), 404, "model"),
    ("a form in a form", form(BASE, part(INNER, NESTED)), 400, "duration"),
    ("a smuggled header", form(BASE, field("duration%0D%0Aduration", "6"), field("duration", "x")), 400, "duration"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "body", "status", "param"), WRONG, ids=[case[0] for case in WRONG])
async def test_a_form_with_wrong_fields_is_refused(
    stage: House, why: str, body: bytes, status: int, param: str | None
) -> None:
    refused(await send(stage, body), status, param)
    await untouched(stage)


@pytest.mark.parametrize("name", ["duration", "seconds"])
@pytest.mark.parametrize("text", ["6.0", "+6", " 6", "6\n", "1_0", "0x6", "٦", "06"])
async def test_a_number_is_written_in_plain_digits(stage: House, name: str, text: str) -> None:
    """The document says so; a client that sends anything else must not learn it only from the real gateway."""
    refused(await send(stage, form(BASE, field(name, text))), 400, name)
    await untouched(stage)


async def test_max_credits_in_a_form_guards_the_budget(stage: House) -> None:
    """R-KEY-033, R-KEY-034."""
    answer = await send(stage, form(BASE, field("duration", "6"), field("max_credits", "119.9")))
    assert (answer.status, answer["error"]["code"]) == (402, "max_credits_exceeded")
    await untouched(stage)
    assert (await send(stage, form(BASE, field("duration", "6"), field("max_credits", "120")))).status == 200


async def test_unknown_fields_are_named_in_a_warning_that_stays_one_line(stage: House) -> None:
    answer = await send(stage, form(BASE, field("colour%0D%0AX-Bad: 1", "blue"), upload(PNG, name="müll")))
    assert answer.status == 200
    assert "X-Bad" not in answer.headers
    assert "colour" in answer.headers["X-Soundstage-Warning"]
    assert answer.headers["X-Soundstage-Warning"].isascii()


@pytest.mark.parametrize(
    ("why", "body"),
    [
        ("empty", b""),
        ("invalid percent utf-8", b"model=%ff%fe"),
        ("invalid utf-8", b"model=\xff\xfe"),
        ("json", b'{"model": "seedance-2"}'),
        ("multipart", GOOD),
        ("semicolons", b"model=seedance-2;prompt=abc"),
        ("a model twice", b"model=seedance-2&prompt=abc&model=seedance-2"),
        ("a word for duration", b"model=seedance-2&prompt=abc&duration=abc"),
        ("a bare name", b"model=seedance-2&prompt"),
        ("text for a file", b"model=seedance-2&prompt=abc&input_reference=abc"),
    ],
)
async def test_a_bad_urlencoded_form_is_refused(stage: House, why: str, body: bytes) -> None:
    answer = await send(stage, body, URLENCODED)
    refused(answer, {"semicolons": 404, "json": 415}.get(why, 400))
    await untouched(stage)


@pytest.mark.parametrize("kept", [0, 60, len(GOOD) - 20])
async def test_a_caller_who_leaves_in_the_middle_of_a_form_creates_nothing(stage: House, kept: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.rsplit(":", 1)[1]))
    head = (
        f"POST /apikeyorg{PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {stage.key}\r\n"
        f"Content-Type: {TYPE}\r\nContent-Length: {len(GOOD)}\r\n\r\n"
    )
    writer.write(head.encode() + GOOD[:kept])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await untouched(stage)
    assert (await send(stage, GOOD)).status == 200


async def test_the_journal_can_show_any_form(stage: House) -> None:
    bodies = [GOOD, form(BASE, upload(PNG)), *(body for _, body in DAMAGED), *(case[1] for case in WRONG)]
    for body in bodies:
        await send(stage, body)
    assert len((await stage.admin().get("/requests?limit=1000"))["requests"]) == len(bodies)


def read_in(pieces: Iterable[bytes]) -> Any:
    """Read a form that arrives in these pieces."""
    left = [piece for piece in pieces if piece]

    async def readany() -> bytes:
        return left.pop(0) if left else b""

    request: Any = SimpleNamespace(headers={"Content-Type": TYPE}, content=SimpleNamespace(readany=readany))
    return finish(read_form(request, 1_000_000))


FILE = form(BASE, upload(PNG + b"\r\n--x-boundary-\r\n\r--x-boundary-x\r\n--"))


@pytest.mark.parametrize(
    "body",
    [GOOD, FILE, GOOD[:-2], GOOD + b"that was a form", b"a form\r\n" + GOOD],
    ids=["fields", "file", "no last line break", "epilogue", "preamble"],
)
def test_a_form_cut_at_any_byte_is_the_same_form(body: bytes) -> None:
    """The network cuts where it likes, and the last line break may come alone."""
    whole = read_in([body])
    assert isinstance(whole, Form)
    assert [at for at in range(len(body)) if read_in([body[:at], body[at:]]) != whole] == []


@settings(deadline=None)
@given(st.lists(st.integers(0, len(FILE)), max_size=8).map(sorted))
def test_a_form_cut_into_any_pieces_is_the_same_form(cuts: list[int]) -> None:
    ends = [0, *cuts, len(FILE)]
    pieces = [FILE[begin:end] for begin, end in pairwise(ends)]
    assert read_in(pieces) == read_in([FILE])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_a_problem(noise: bytes) -> None:
    for body in (noise, BASE + noise, form(part(b"Content-Disposition: form-data; name=" + noise, noise))):
        found = read_in([body])
        assert found is not None


async def test_after_all_that_a_good_call_still_works(stage: House) -> None:
    gateway: Gateway = stage.gateway()
    assert (await gateway.task()).status == 200
