"""Magic inputs: every row of the table does what it says, asked for by nothing but a prompt or a key."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from soundstage.faults import Faults
from soundstage.faults.magic import SUFFIXES, TOKENS, Suffix, Token
from support.client import KLING, House
from support.faulty import APPLIED, Side
from support.sockets import atalk, hanging, request

FAULTS = Faults()
BY_EXCHANGE = [token for token in TOKENS if FAULTS.kind(token.fault).place == "exchange"]
# What the client gets from the very call, how the connection ends, and whether the call is charged. A stream's words
# come after three events.
ANSWERS: Mapping[str, tuple[str, str, bool]] = {
    "lose": ("nothing", "open", True),
    "reset": ("nothing", "reset", False),
    "hang": ("nothing", "open", False),
    "latency": ("200 JSON", "closed", True),
    "garbage": ("no HTTP", "closed", False),
    "truncated": ("200 half", "closed", True),
    "status": ("503 JSON", "closed", False),
    "limited": ("429 JSON, again in 3 s", "closed", False),
    "malformed": ("200 no JSON", "closed", True),
    "broke": ("402 JSON", "closed", False),
    "stream-cut": ("200 ...", "reset", True),
    "stream-stall": ("200 ...", "open", True),
    "stream-malformed": ("200 ...#", "closed", True),
    "stream-error": ("200 ...!", "closed", True),
}
# What the last of so many calls of a key gets.
KEYS: Mapping[str, tuple[int, str]] = {
    "revoked": (1, "401"),
    "invalid": (1, "401"),
    "broke": (1, "402"),
    "outage": (1, "503"),
    "throttled": (2, "429"),
    "laggy": (1, "200, late"),
    "flaky": (3, "connection lost"),
}


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.word)
def test_every_token_names_a_fault_and_its_example_is_a_value_it_takes(token: Token) -> None:
    assert token.says
    assert not token.says.endswith(".")
    FAULTS.checked(token.fault, dict(token.params), "test")
    if token.example:
        fields = FAULTS.kind(token.fault).model_fields
        assert token.takes in {field.alias or name for name, field in fields.items()}


def test_every_word_that_bends_a_call_has_a_row() -> None:
    assert set(ANSWERS) == {token.word for token in BY_EXCHANGE}
    assert set(KEYS) == {suffix.word for suffix in SUFFIXES}


# --- what bends a call ----------------------------------------------------------------------------------------------


def call_with(token: Token) -> bytes:
    """Return the bytes of a call of API-Key that takes this word, on a connection for this call alone."""
    # A tenth of what its example asks for is as good an example.
    shown = "sim:latency=80ms" if token.word == "latency" else token.shown
    messages = [{"role": "user", "content": f"Hello {shown}"}]
    path = "/v1/chat/completions"
    body: dict[str, Any] = {"model": "gpt-5-mini", "messages": messages}
    if token.word == "broke":
        path, body = "/v1/videos", {"model": "seedance-2", "prompt": shown}
    if token.word.startswith("stream-"):
        body["stream"] = True
    return request("POST", f"/apikeyorg{path}", body, Connection="close")


@pytest.mark.parametrize("token", BY_EXCHANGE, ids=lambda token: token.word)
async def test_a_word_in_a_prompt_bends_the_very_call(stage: House, token: Token) -> None:
    comes, end, charged = ANSWERS[token.word]
    admin = stage.admin()

    async def under_way() -> bool:
        return bool((await admin.get("/requests"))["requests"])

    loop = asyncio.get_running_loop()
    began = loop.time()
    if end == "open":
        raw = await hanging(stage.url, call_with(token), under_way, b"\n\n\r\n" if "." in comes else b"")
    else:
        came = await atalk(stage.url, call_with(token))
        assert came.end == end
        raw = came.raw
    assert word_for(raw) == comes
    assert token.word != "latency" or loop.time() - began >= 0.08
    (row,) = (await admin.get("/requests"))["requests"]
    assert row["response"]["headers"][APPLIED] == token.fault
    assert row["status"] == int(comes.partition(" ")[0] if comes[0].isdigit() else 0)
    assert end != "open" or str(row["response"]["body"]).count("data: ") == comes.count(".")
    wallet = await admin.wallet()
    assert (wallet["held"] + wallet["spent"] > 0) is charged
    await admin.sound()


def word_for(raw: bytes) -> str:
    """Return what came of a reply: of a stream a point for each event, # for one that is no JSON, ! for an error."""
    if not raw.startswith(b"HTTP/"):
        return "no HTTP" if raw else "nothing"
    head, _, body = raw.partition(b"\r\n\r\n")
    status = raw.split(b" ", 2)[1].decode()
    if b"text/event-stream" in head:
        return f"{status} {''.join(map(sign_for, re.findall(rb'^data: (?!.DONE)(.*)$', body, re.MULTILINE)))[:4]}"
    promised = re.search(rb"Content-Length: (\d+)", head)
    assert promised is not None
    if len(body) < int(promised[1]):
        return f"{status} half"
    again = re.search(rb"Retry-After: (\d+)", head)
    kind = "JSON" if is_json(body) else "no JSON"
    return f"{status} {kind}" + (f", again in {again[1].decode()} s" if again else "")


def sign_for(event: bytes) -> str:
    if not is_json(event):
        return "#"
    return "!" if "error" in json.loads(event) else "."


def is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


async def test_a_word_that_means_nothing_is_said_to_mean_nothing(stage: House) -> None:
    answer = await stage.client().create({**KLING, "prompt": "sim:fial"})
    assert answer.status == 200
    assert answer.headers["X-Soundstage-Warning"] == "sim:fial means nothing; soundstage magic lists what does"


async def test_a_value_that_cannot_be_taken_changes_nothing_and_is_said(stage: House) -> None:
    answer = await stage.client().create({**KLING, "prompt": "sim:status=200"})
    assert answer.status == 200
    assert APPLIED not in answer.headers
    assert answer.headers["X-Soundstage-Warning"].startswith("sim:status: http/status: status: ")


# --- the last word of a key -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES, ids=lambda suffix: suffix.word)
async def test_the_last_word_of_a_key_does_what_it_says(stage: House, suffix: Suffix) -> None:
    calls, outcome = KEYS[suffix.word]
    admin = stage.admin(suffix.shown)
    for _ in range(calls - 1):
        assert await created(stage, suffix.shown) == "200"
    ask = late if outcome.endswith("late") else created
    assert await ask(stage, suffix.shown) == outcome
    rules = (await admin.get("/faults"))["rules"]
    assert [(rule["fault"], rule["applied"]) for rule in rules] == ([(suffix.fault, 1)] if suffix.fault else [])


async def created(stage: House, key: str) -> str:
    """Return what a create call gets."""
    try:
        return str((await Side(stage, "midsync", key).create()).status)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        return "connection lost"


async def late(stage: House, key: str) -> str:
    """Return what a create call gets whose answer is not there when its work is done; nobody waits for the answer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    call = asyncio.create_task(created(stage, key))
    async with asyncio.timeout(10):
        while not await stage.admin(key).tasks():
            pass
    (row,) = (await stage.admin(key).get("/requests"))["requests"]
    # Had the machine stood still for a second, the answer would be there, and rightly so.
    assert not call.done() or loop.time() - began >= 1
    call.cancel()
    return f"{row['status']}, late"


async def test_a_registered_key_keeps_its_word_and_a_named_balance_beats_it(stage: House) -> None:
    admin = stage.anybody()
    assert (await admin.register(key="sk_test_team_broke"))["balance"] == "0"
    assert (await admin.register(key="sk_test_rich_broke", balance="70"))["balance"] == "70"
    await admin.register(key="sk_test_team_outage")
    assert await created(stage, "sk_test_team_outage") == "503"
    assert await created(stage, "sk_test_other") == "200"
