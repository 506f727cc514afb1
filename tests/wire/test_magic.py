"""Magic inputs: every row of the table does what it says, asked for by nothing but a prompt or a key."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from soundstage.faults import Faults
from soundstage.faults.magic import SUFFIXES, TOKENS, Suffix, Token
from support.client import KLING, Client, House

FAULTS = Faults()
BY_EXCHANGE = [token for token in TOKENS if FAULTS.kind(token.fault).place == "exchange"]
BY_TASK = [token for token in TOKENS if FAULTS.kind(token.fault).place != "exchange"]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.word)
def test_every_token_names_a_fault_and_its_example_is_a_value_it_takes(token: Token) -> None:
    assert token.says
    assert not token.says.endswith(".")
    FAULTS.checked(token.fault, dict(token.params), "test")
    if token.example:
        fields = FAULTS.kind(token.fault).model_fields
        assert token.takes in {field.alias or name for name, field in fields.items()}


@pytest.mark.parametrize("token", BY_TASK, ids=lambda token: token.word)
async def test_a_word_in_a_prompt_bends_the_task_and_what_comes_of_it(stage: House, token: Token) -> None:
    client, admin = stage.client(), stage.admin("sk_test_somebody")
    answer = await client.create({**KLING, "prompt": f"A beach, {token.shown}, at sunset"})
    assert answer.status == 200
    assert answer.headers["X-Soundstage-Fault-Applied"] == token.fault
    assert "X-Soundstage-Warning" not in answer.headers
    whole = await admin.get(f"/tasks/{answer['taskId']}")
    assert [(one["fault"], one["origin"]) for one in whole["faults"]] == [
        (token.fault, f"sim:{token.word} in the request")
    ]


@pytest.mark.parametrize("token", BY_EXCHANGE, ids=lambda token: token.word)
async def test_a_word_in_a_prompt_bends_the_very_call(stage: House, token: Token) -> None:
    gateway, admin = stage.gateway(), stage.admin("sk_test_somebody")
    stream = token.word.startswith("stream-")
    body: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": f"Hello {token.shown}"}]}
    path = "/v1/chat/completions"
    if token.fault in {"money/insufficient-credit", "money/overcharge"}:
        path, body = "/v1/videos", {"model": "seedance-2", "prompt": token.shown}
    await _whatever_comes(stage, f"{gateway.base}{path}", {**body, **({"stream": True} if stream else {})})
    journal = (await admin.get("/requests"))["requests"]
    assert len(journal) == 1
    assert journal[0]["response"]["headers"]["X-Soundstage-Fault-Applied"] == token.fault


async def _whatever_comes(stage: House, url: str, body: Any, key: str = "sk_test_somebody") -> None:
    """Make a call that may be reset, cut, garbage or never answered."""
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with asyncio.timeout(1), stage.http.post(url, json=body, headers=headers) as answer:
            await answer.read()
    except (TimeoutError, aiohttp.ClientError):
        return


async def test_a_word_that_means_nothing_is_said_to_mean_nothing(stage: House) -> None:
    answer = await stage.client().create({**KLING, "prompt": "sim:fial"})
    assert answer.status == 200
    assert answer.headers["X-Soundstage-Warning"] == "sim:fial means nothing; soundstage magic lists what does"


async def test_a_value_that_cannot_be_taken_changes_nothing_and_is_said(stage: House) -> None:
    answer = await stage.client().create({**KLING, "prompt": "sim:status=200"})
    assert answer.status == 200
    assert "X-Soundstage-Fault-Applied" not in answer.headers
    assert answer.headers["X-Soundstage-Warning"].startswith("sim:status: http/status: status: ")


async def _create(client: Client) -> int:
    return (await client.call("POST", "/unified-video/generate", body=dict(KLING))).status


@pytest.mark.parametrize("suffix", SUFFIXES, ids=lambda suffix: suffix.word)
async def test_the_last_word_of_a_key_does_what_it_says(stage: House, suffix: Suffix) -> None:
    client = stage.client(suffix.shown)
    if suffix.word in {"revoked", "invalid"}:
        assert await _create(client) == 401
        return
    if suffix.word == "broke":
        assert await _create(client) == 402
        return
    assert suffix.fault is not None
    rules = (await stage.admin(suffix.shown).get("/faults"))["rules"]
    assert rules == [] or rules[0]["fault"] == suffix.fault
    every = suffix.aim.every or 1
    for _ in range(every - 1):
        assert await _create(client) == 200
    await _whatever_comes(stage, f"{client.base}/unified-video/generate", dict(KLING), suffix.shown)
    listed = (await stage.admin(suffix.shown).get("/faults"))["rules"]
    assert [rule["fault"] for rule in listed] == [suffix.fault]


async def test_a_registered_key_keeps_its_word_and_a_named_balance_beats_it(stage: House) -> None:
    admin = stage.anybody()
    assert (await admin.register(key="sk_test_team_broke"))["balance"] == "0"
    assert (await admin.register(key="sk_test_rich_broke", balance="70"))["balance"] == "70"
    await admin.register(key="sk_test_team_outage")
    assert await _create(stage.client("sk_test_team_outage")) == 503
    assert await _create(stage.client("sk_test_other")) == 200
