"""Magic inputs in a prompt that bend a task: what comes of its polls, money, callbacks and file, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from standardwebhooks.webhooks import Webhook

from soundstage.core.clock import parse_iso
from soundstage.faults import Faults
from soundstage.faults.magic import TOKENS, Token
from support.callbacks import MIDSYNC, genuine
from support.client import PROMPT, Admin, House
from support.faulty import APPLIED, Side, reason, results, side, urls
from support.receiver import Callback, Receiver

FAULTS = Faults()
# Polls of MidSync show no progress: it has a test of its own.
ELSEWHERE = {"progress-back"}
WORDS = [one for one in TOKENS if FAULTS.kind(one.fault).place != "exchange" and one.word not in ELSEWHERE]
BEGIN, PRICE = 1000, 35
CALLED = ("completed", "genuine", "about it", 0)
# What is true of a task whose prompt has no such word: what polls said, the one after the other, from its creation
# until nothing was left to happen; what is on the books then; each callback, with the seconds after the task's end; and
# what a download of the result is.
USUAL: Mapping[str, Any] = {
    "words": ["submitted", "processing", "completed"],
    "reason": None,
    "has result": True,
    "balance": BEGIN - PRICE,
    "held": 0,
    "money moved": ["reserve", "settle"],
    "callbacks": [CALLED],
    "callbacks before the answer": 0,
    "file": "200 video/mp4",
}
FAILED: Mapping[str, Any] = {
    "words": ["submitted", "processing", "failed"],
    "reason": "The video could not be generated. The points were returned; submit the same request again.",
    "has result": False,
    "balance": BEGIN,
    "money moved": ["reserve", "release"],
    "callbacks": [("failed", *CALLED[1:])],
    "file": None,
}
ENDLESS = {
    "has result": False,
    "balance": BEGIN - PRICE,
    "held": PRICE,
    "money moved": ["reserve"],
    "callbacks": [],
    "file": None,
}
# What each word changes of that; everything else is as usual.
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "fail": {**FAILED, "reason": "content_policy"},
    "fail-late": {**FAILED, "last progress": 99},
    "moderation": {**FAILED, "reason": "nudity"},
    "stuck": {**ENDLESS, "words": ["submitted", "processing"]},
    "waiting": {**ENDLESS, "words": ["submitted"]},
    "slow": {"seconds": 90},
    "unknown-status": {"words": ["submitted", "ABORTED", "completed"]},
    "no-output": {"has result": False, "file": None},
    "no-reason": {**FAILED, "reason": None},
    "overcharge": {"balance": BEGIN - PRICE * 1.5},
    "keep-credits": {**FAILED, "balance": BEGIN - PRICE, "money moved": ["reserve", "settle"]},
    "refund-late": {**FAILED, "seconds to refund": 600},
    "refund-twice": {**FAILED, "balance": BEGIN + PRICE},
    "callback-late": {"callbacks": [(*CALLED[:3], 3600)]},
    "callback-never": {"callbacks": []},
    "callback-twice": {"callbacks": [CALLED] * 2},
    "callback-early": {"callbacks before the answer": 1, "words": ["completed"]},
    "callback-order": {"callbacks": [CALLED, ("processing", *CALLED[1:3], 1)]},
    "callback-forged": {"callbacks": [("completed", "forged", "about it", 0)]},
    "callback-unsigned": {"callbacks": [("completed", "unsigned", "about it", 0)]},
    "callback-stale": {"callbacks": [("completed", "an hour old", "about it", 0)]},
    "callback-other-id": {"callbacks": [("completed", "genuine", "about another", 0)]},
    "callback-disagrees": {"callbacks": [("failed", *CALLED[1:])]},
    "callback-flood": {"callbacks": [CALLED] * 50},
    "file-missing": {"file": "404 text/plain"},
    "file-expired": {"file": "403 application/xml"},
    "file-slow": {"file": "in pieces"},
    "file-truncated": {"file": "broken off"},
    "file-wrong-type": {"file": "200 application/octet-stream"},
}


def test_every_word_that_bends_a_task_has_a_row() -> None:
    assert set(CHANGES) == {token.word for token in WORDS}


async def test_a_prompt_without_a_word_bends_nothing(stage: House, receiver: Receiver) -> None:
    assert await story(stage, receiver, "Waves at sunset", None) == dict(USUAL)


@pytest.mark.parametrize("token", WORDS, ids=lambda token: token.word)
async def test_a_word_in_a_prompt_bends_the_task_and_what_comes_of_it(
    stage: House, receiver: Receiver, token: Token
) -> None:
    expected = {**USUAL, **CHANGES[token.word]}
    more = expected.keys() - USUAL.keys()
    found = await story(stage, receiver, f"Waves, {token.shown}, at sunset", token, *more)
    assert found == expected


async def story(stage: House, receiver: Receiver, prompt: str, token: Token | None, *more: str) -> dict[str, Any]:
    """Create a task, let time go on until nothing is left to happen, and return what was seen of it."""
    one = side(stage, "midsync")
    secret = str((await one.admin.register(key=one.key, balance=str(BEGIN)))["webhook_secret"])
    answer = await one.create(prompt=prompt, callbackUrl=receiver.url)
    assert (answer.status, answer.headers.get(APPLIED)) == (200, token and token.fault)
    assert "X-Soundstage-Warning" not in answer.headers
    early, task_id = len(receiver.got), str(answer["taskId"])
    polls = await polled(one, task_id)
    task = await one.admin.get(f"/tasks/{task_id}")
    origins = [(token.fault, f"sim:{token.word} in the request")] if token else []
    assert [(fault["fault"], fault["origin"]) for fault in task.get("faults", [])] == origins
    seen = {
        "words": list(dict.fromkeys(poll["status"] for poll in polls)),
        "reason": reason("midsync", polls[-1]),
        "has result": any(results("midsync", polls[-1])),
        **await books(one.admin, task_id),
        "callbacks": await called(one, receiver, secret, task),
        "callbacks before the answer": early,
        "file": await downloaded(stage, polls[-1]),
    }
    entries = task["ledger"]
    rest = {
        "last progress": task["timeline"][-1]["progress"],
        "seconds": since(task["created_at"], task["timeline"][-1]["at"]),
        "seconds to refund": since(task["timeline"][-1]["at"], entries[-1]["at"]),
    }
    return seen | {name: rest[name] for name in more}


async def polled(one: Side, task_id: str) -> list[Any]:
    """Return what polls say every five seconds of a hundred, and when nothing is left to happen."""
    polls = [await one.poll(task_id)]
    for _ in range(20):
        await one.admin.advance(seconds=5)
        polls.append(await one.poll(task_id))
    await one.admin.advance()
    return [*polls, await one.poll(task_id)]


async def books(admin: Admin, task_id: str) -> dict[str, Any]:
    """Return what the wallet holds, and what moved for the task."""
    await admin.sound()
    wallet = await admin.wallet()
    entries = (await admin.get("/ledger"))["entries"]
    moved = [entry["kind"] for entry in entries if entry["task_id"] == task_id]
    return {"balance": wallet["available"], "held": wallet["held"], "money moved": moved}


async def called(one: Side, receiver: Receiver, secret: str, task: Any) -> list[tuple[str, str, str, float]]:
    """Return each callback's word, what its signature is worth, whom it is about, and how late it came."""
    attempts = [attempt["at"] for delivery in await one.admin.deliveries() for attempt in delivery["attempts"]]
    end = task["timeline"][-1]["at"]
    found = []
    for callback, at in zip(receiver.got, sorted(attempts), strict=True):
        about = "about it" if callback.body["taskId"] == task["id"] else "about another"
        found.append((callback.body["status"], worth(callback, secret), about, since(end, at)))
    return found


def worth(callback: Callback, secret: str) -> str:
    """Return what an honest receiver makes of a signature, and why."""
    if genuine(MIDSYNC, secret, callback):
        return "genuine"
    if "webhook-signature" not in callback.headers:
        return "unsigned"
    at = datetime.fromtimestamp(int(callback.headers["webhook-timestamp"]), UTC)
    right = Webhook(secret).sign(callback.headers["webhook-id"], at, callback.raw.decode())
    old = datetime.now(UTC) - at > timedelta(minutes=59)
    return "an hour old" if old and right == callback.headers["webhook-signature"] else "forged"


async def downloaded(stage: House, body: Any) -> str | None:
    """Return what a download of the result brings; of one that drips no more than the beginning is waited for."""
    if not any(results("midsync", body)):
        return None
    async with stage.http.get(urls("midsync", body)) as reply:
        first = len(await reply.content.readany())
        # Less than a file that breaks off has.
        if first < int(reply.headers["Content-Length"]) * 0.4:
            return "in pieces"
        try:
            await reply.read()
        except aiohttp.ClientPayloadError:
            return "broken off"
        return f"{reply.status} {reply.content_type}"


def since(one: str, other: str) -> float:
    """Return the seconds between two instants."""
    return (parse_iso(other) - parse_iso(one)) / 1000


async def test_progress_goes_back_where_polls_show_it(stage: House) -> None:
    one = side(stage, "v2gateway")
    shown = []
    for prompt in (PROMPT, f"{PROMPT} sim:progress-back"):
        polls = await polled(one, await one.made(prompt=prompt))
        shown.append([int(poll["progress"].removesuffix("%")) for poll in polls])
    assert shown[0] == sorted(shown[0])
    assert shown[1] != sorted(shown[1])
    assert (shown[0][-1], shown[1][-1]) == (100, 100)
