"""Magic words: where in a request one is read, how it may be written, and how much of them at most."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest

from soundstage.edge.steering import Asked, asks
from soundstage.faults import Faults
from soundstage.faults.magic import in_body
from soundstage.providers import Providers
from support.client import KLING, PROMPT, Answer, House
from support.faulty import APPLIED

FAULTS = Faults()
WARNING = "X-Soundstage-Warning"
CHAT = "/apikeyorg/v1/chat/completions"


async def posted(house: House, path: str, raw: bytes) -> Answer:
    """Send a body of any length as it is."""
    headers = {"Authorization": "Bearer sk_test_somebody", "Content-Type": "application/json"}
    async with house.http.post(f"{house.url}{path}", data=BytesIO(raw), headers=headers) as reply:
        return Answer(reply.status, await reply.read(), reply.headers)


def acting(body: Any) -> list[str]:
    """Return the faults that a body asks for; nothing in it may be in vain."""
    found, problems = in_body(FAULTS, body)
    assert problems == []
    return [one.name for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "sim:fail",
        "a dragon sim:fail",
        "a dragon\nsim:fail",
        "a dragon\tsim:fail and more",
        "a dragon\u00a0sim:fail",
        '"sim:fail"',
        "'sim:fail'",
        "\u201csim:fail\u201d",
        "\u00absim:fail\u00bb",
        "(sim:fail)",
        "[sim:fail]",
        "<b>sim:fail</b>",
        '{"prompt": "a dragon\\nsim:fail"}',
        "Sim:fail",
        "Sim:Fail, please",
        "sim:fail.",
    ],
)
def test_a_word_stands_at_the_start_or_after_a_space_a_quote_a_bracket_or_a_line_break(text: str) -> None:
    assert acting({"prompt": text}) == ["task/fail"]


@pytest.mark.parametrize(
    "text",
    [
        "maxsim:fail",
        "Vissim:reset the wave",
        "http://127.0.0.1:9/hook?sim:stuck",
        "http://127.0.0.1:9/sim:stuck",
        "a=sim:fail",
        "-sim:fail",
        "im:fail",
        "claim:fail",
        "sim: fail",
        "sim:",
        "\u00e9sim:fail",
    ],
)
def test_a_word_inside_of_another_or_of_an_address_is_none(text: str) -> None:
    assert acting({"prompt": text, "list": [text]}) == []


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("sim:slow=90s.", {"seconds": 90}),
        ("sim:slow=1.5s...", {"seconds": 1.5}),
        ("sim:slow=90s, then", {"seconds": 90}),
        ("(sim:slow=90s)", {"seconds": 90}),
        ("sim:slow=90s!", {"seconds": 90}),
        ("sim:slow\\u003d90s", {"seconds": 90}),
        ("sim:slow\\u003D90s", {"seconds": 90}),
        ("sim:slow", {}),
        ("sim:slow=.", {}),
    ],
)
def test_what_ends_a_sentence_is_no_part_of_a_value(text: str, params: dict[str, Any]) -> None:
    found, problems = in_body(FAULTS, {"prompt": text})
    assert ([json.loads(one.params) for one in found], problems) == ([params], [])


async def test_a_value_is_read_where_a_client_escapes_its_sign(stage: House) -> None:
    raw = json.dumps({**KLING, "prompt": "a dragon sim:status=404"}).replace("=", "\\u003d").encode()
    answer = await posted(stage, "/midsync/v1/videos/generations", raw)
    assert (answer.status, answer.headers[APPLIED]) == (404, "http/status")


async def test_the_name_of_a_field_asks_for_nothing(stage: House) -> None:
    one = stage.gateway()
    answer = await one.call("POST", "/v1/videos", body={"model": "seedance-2", "prompt": PROMPT, "sim:fail": "x"})
    assert (answer.status, APPLIED in answer.headers) == (200, False)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    named = urlencode({"model": "seedance-2", "prompt": PROMPT, "sim:fail": "x", "x sim:stuck": "y"}).encode()
    answer = await one.call("POST", "/v1/videos", data=named, headers=form)
    assert (answer.status, APPLIED in answer.headers) == (200, False)
    told = urlencode({"model": "seedance-2", "prompt": f"{PROMPT} sim:fail"}).encode()
    answer = await one.call("POST", "/v1/videos", data=told, headers=form)
    assert (answer.status, answer.headers[APPLIED]) == (200, "task/fail")


async def test_a_word_behind_a_picture_of_megabytes_is_read(stage: House) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'iVBORw0K' * 400_000}"}}
    content = [picture, {"type": "text", "text": "What is this? sim:status=503"}]
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": content}]}
    answer = await posted(stage, CHAT, json.dumps(body).encode())
    assert (answer.status, answer.headers[APPLIED]) == (503, "http/status")


async def test_a_body_full_of_words_is_answered_with_a_short_warning(stage: House) -> None:
    words = [{"role": "user", "content": "sim:a " * 1_000_000}]
    answer = await posted(stage, CHAT, json.dumps({"model": "gpt-5-mini", "messages": words}).encode())
    assert answer.headers[WARNING] == "sim:a means nothing; soundstage magic lists what does"
    many = " ".join(f"sim:word-{number}" for number in range(5_000))
    answer = await stage.client().create({**KLING, "prompt": many[:2_000]})
    assert len(answer.headers[WARNING]) <= 1024
    assert answer.headers[WARNING].endswith(" more")


def test_twenty_words_are_read_and_each_once() -> None:
    text = " ".join(f"sim:word-{number} sim:word-{number}" for number in range(100))
    found, problems = in_body(FAULTS, {"prompt": text})
    assert (found, len(problems)) == ((), 21)
    assert problems[-1] == "the first 20 magic words count, and no more of them"
    found, problems = in_body(FAULTS, {"prompt": "sim:slow=5s sim:fail sim:slow=7s"})
    assert [(one.name, one.params) for one in found] == [("task/slow", b'{"seconds":5.0}'), ("task/fail", b"{}")]


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "sim:a " * 3_000_000},
        {"prompt": "im:" * 6_000_000},
        {"prompt": ["sim:a"] * 500_000},
        {"prompt": [["im:"]] * 500_000},
    ],
)
def test_only_so_many_places_are_looked_at(body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from soundstage.faults import magic

    asked = []

    class Counting:
        def match(self, text: str, place: int) -> None:
            asked.append(place)

    monkeypatch.setattr(magic, "_TOKEN", Counting())
    assert in_body(FAULTS, body) == ((), [])
    assert len(asked) <= 1_000


def test_calls_without_a_prompt_are_not_searched() -> None:
    told = {one.role: asks({}, b'"sim:fail"', one) for one in Providers()["midsync"].operations}
    assert {role for role, asked in told.items() if asked} == {"create", "quote"}


def test_a_warning_names_what_fits_and_counts_the_rest() -> None:
    from soundstage.core.call import Reply

    warned = Asked((), tuple(f"problem {number} {'x' * 90}" for number in range(30))).warned(Reply({}))
    text = warned.headers[WARNING]
    shown = text.count("problem")
    assert len(text) <= 1024
    assert text.endswith(f"; and {30 - shown} more")
    long = Asked((), ("y" * 5_000, "z" * 5_000)).warned(Reply({})).headers[WARNING]
    assert len(long) <= 1024
    assert long.endswith("; and 1 more")
