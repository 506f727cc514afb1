"""The verdict: what an app believes about its tasks and its money, held against what is true."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from support.client import KLING, Admin, House
from support.receiver import Receiver


@pytest.fixture
def admin(stage: House) -> Admin:
    return stage.admin("sk_test_somebody")


async def found(admin: Admin, *believes: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    answer = await admin.post("/verdict", {"believes": list(believes)})
    assert answer["ok"] is (not answer["findings"])
    return [(one["kind"], one["task_id"], one["credits"]) for one in answer["findings"]]


async def made(stage: House, prompt: str = "Waves", **fields: Any) -> str:
    answer = await stage.client().create({**KLING, "prompt": prompt}, **fields)
    return str(answer["taskId"])


async def collected(stage: House, task_id: str) -> None:
    body = await stage.client().status(task_id)
    async with stage.http.get(body["output"]["videoUrl"]) as file:
        assert file.status == 200


async def fetched(stage: House, task_id: str, method: str = "GET", **headers: str) -> int:
    """Fetch a result the given way, whole or not, and return the status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = (await stage.client().status(task_id))["output"]["videoUrl"]
    async with stage.http.request(method, url, headers=named) as file:
        await file.read()
        return file.status


async def test_an_app_that_knows_everything_is_told_nothing(stage: House, admin: Admin) -> None:
    task_id = await made(stage)
    await admin.advance(until="idle")
    await collected(stage, task_id)
    assert await found(admin, {"task_id": task_id, "outcome": "succeeded", "credits": "35"}) == []


async def test_a_paid_task_nobody_knows_of_is_an_orphan(stage: House, admin: Admin) -> None:
    task_id = await made(stage)
    assert await found(admin) == [("orphan-paid-task", task_id, "35")]


async def test_the_same_request_paid_twice_is_a_double_charge(stage: House, admin: Admin) -> None:
    first, again = await made(stage), await made(stage)
    assert first != again
    assert await found(admin, {"task_id": first, "outcome": "pending"}) == [("double-charge", again, "35")]


async def test_a_refund_while_the_provider_bills_is_found(stage: House, admin: Admin) -> None:
    task_id = await made(stage)
    assert await found(admin, {"task_id": task_id, "outcome": "refunded"}) == [("refund-while-billed", task_id, "35")]
    await admin.advance(until="idle")
    assert await found(admin, {"task_id": task_id, "outcome": "failed"}) == [("refund-while-billed", task_id, "35")]


async def test_a_failure_taken_for_a_success_is_a_wrong_outcome(stage: House, admin: Admin) -> None:
    task_id = await made(stage, "sim:fail")
    await admin.advance(until="idle")
    believed = {"task_id": task_id, "outcome": "succeeded", "credits": "35"}
    assert await found(admin, believed) == [("wrong-outcome", task_id, "0"), ("other-charge", task_id, "35")]
    assert await found(admin, {"task_id": task_id, "outcome": "refunded", "credits": "0"}) == []


async def test_a_task_that_never_was_is_named(admin: Admin, stage: House) -> None:
    await made(stage, "sim:fail")
    kinds = [kind for kind, _, _ in await found(admin, {"task_id": "gen_0", "outcome": "succeeded"})]
    assert kinds == ["orphan-paid-task", "unknown-task"]


async def test_a_result_nobody_fetched_is_told_with_and_without_the_app_s_word(stage: House, admin: Admin) -> None:
    task_id = await made(stage)
    await admin.advance(until="idle")
    expected = [("result-never-collected", task_id, "35")]
    assert await found(admin, {"task_id": task_id, "outcome": "succeeded"}) == expected
    silent = await admin.post("/verdict", {})
    assert [one["kind"] for one in silent["findings"]] == ["result-never-collected"]
    await collected(stage, task_id)
    assert (await admin.post("/verdict", {})) == {"ok": True, "findings": []}


@pytest.mark.parametrize(
    ("status", "method", "headers"),
    [
        (200, "HEAD", {}),
        (206, "GET", {"Range": "bytes=0-0"}),
        (206, "GET", {"Range": "bytes=1-"}),
        (416, "GET", {"Range": "bytes=999999999-"}),
        (304, "GET", {"If_None_Match": "*"}),
    ],
)
async def test_less_than_the_whole_result_is_not_collected(
    stage: House, admin: Admin, status: int, method: str, headers: dict[str, str]
) -> None:
    task_id = await made(stage)
    await admin.advance(until="idle")
    assert await fetched(stage, task_id, method, **headers) == status
    assert await found(admin, {"task_id": task_id, "outcome": "succeeded"}) == [
        ("result-never-collected", task_id, "35")
    ]


@pytest.mark.parametrize(
    "fault", [None, {"fault": "files/slow", "with": {"piece_ms": 1}}, {"fault": "files/wrong-type"}]
)
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-"}, {"Range": "bytes=9-1"}])
async def test_a_result_sent_whole_in_one_reply_is_collected(
    stage: House, admin: Admin, fault: dict[str, Any] | None, headers: dict[str, str]
) -> None:
    task_id = await made(stage)
    if fault is not None:
        await admin.post("/faults", fault)
    await admin.advance(until="idle")
    assert await fetched(stage, task_id, **headers) in {200, 206}
    assert await found(admin, {"task_id": task_id, "outcome": "succeeded"}) == []


async def test_a_result_that_breaks_off_is_not_collected(stage: House, admin: Admin) -> None:
    task_id = await made(stage, "sim:file-truncated")
    await admin.advance(until="idle")
    with pytest.raises(aiohttp.ClientError):
        await fetched(stage, task_id)
    kinds = [kind for kind, _, _ in await found(admin, {"task_id": task_id, "outcome": "succeeded"})]
    assert kinds == ["result-never-collected"]


async def test_a_result_whose_client_left_is_not_collected(stage: House, admin: Admin) -> None:
    task_id = await made(stage, "sim:file-slow")
    await admin.advance(until="idle")
    url = (await stage.client().status(task_id))["output"]["videoUrl"]
    async with stage.http.get(url) as file:
        await file.content.readexactly(1)
        file.close()
    kinds = [kind for kind, _, _ in await found(admin, {"task_id": task_id, "outcome": "succeeded"})]
    assert kinds == ["result-never-collected"]


@pytest.mark.parametrize("word", ["callback-forged", "callback-unsigned", "callback-stale"])
async def test_a_receiver_that_takes_a_bad_signature_is_told(
    stage: House, admin: Admin, receiver: Receiver, word: str
) -> None:
    task_id = await made(stage, f"sim:{word}", callbackUrl=receiver.url)
    await admin.advance(until="idle")
    await collected(stage, task_id)
    assert await found(admin, {"task_id": task_id, "outcome": "succeeded"}) == [
        ("bad-signature-accepted", task_id, "0")
    ]


async def test_a_receiver_that_refuses_a_bad_signature_is_told_nothing(
    stage: House, admin: Admin, receiver: Receiver
) -> None:
    receiver.status = 401
    task_id = await made(stage, "sim:callback-forged", callbackUrl=receiver.url)
    await admin.advance(until="idle")
    await collected(stage, task_id)
    assert await found(admin, {"task_id": task_id, "outcome": "succeeded"}) == []


@pytest.mark.parametrize(
    "body",
    [
        {"believes": [{"task_id": "t"}]},
        {"believes": [{"task_id": "t", "outcome": "done"}]},
        {"believes": [{"task_id": "t", "outcome": "failed", "credits": "many"}]},
        {"believe": []},
    ],
)
async def test_beliefs_that_cannot_be_read_are_refused(stage: House, admin: Admin, body: Any) -> None:
    await made(stage)
    assert (await admin.call("POST", "/verdict", body)).status == 400
