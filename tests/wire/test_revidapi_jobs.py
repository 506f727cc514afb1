"""RevidAPI's jobs: their states, their end, their money and who may see them (R-REV-100..108)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from support.client import House
from support.revid import BODIES, IMAGE, MOTION, PAINT, PICTURE, SEEDANCE, VIDEO, Revid, refused, revid, rich, row_of

FILES = {IMAGE: ("image/png", ".png"), VIDEO: ("video/mp4", ".mp4"), MOTION: ("video/mp4", ".mp4")}
TYPES = {IMAGE: "image", VIDEO: "video", MOTION: "motion-control"}


async def followed(client: Revid, house: House, job_id: str) -> list[Any]:
    """Return a job's bodies, second by second, until it has ended."""
    seen = [await client.poll(job_id)]
    while seen[-1]["status"] in {"pending", "processing"}:
        await house.admin(client.key).advance(seconds=1)
        seen.append(await client.poll(job_id))
    return seen


@pytest.mark.parametrize("path", FILES)
async def test_r_rev_100_101_a_job_is_pending_then_processing_then_completed(stage: House, path: str) -> None:
    client = revid(stage)
    made = await client.job(path)
    seen = await followed(client, stage, made["job_id"])
    assert list(dict.fromkeys(body["status"] for body in seen)) == ["pending", "processing", "completed"]
    assert all(early["progress"] <= late["progress"] for early, late in pairwise(seen))
    assert {body["result"] for body in seen[:-1]} == {None}
    last = seen[-1]
    assert (last["type"], last["cost"], last["progress"], last["error"]) == (TYPES[path], made["cost"], 100, None)
    row = row_of(stage, made["job_id"])
    took = datetime.fromisoformat(last["completed_at"]) - datetime.fromisoformat(last["created_at"])
    assert took == timedelta(milliseconds=row.delay_ms + row.run_ms)


@pytest.mark.parametrize("path", FILES)
async def test_r_rev_101_the_result_is_the_address_of_a_file(stage: House, path: str) -> None:
    client = revid(stage)
    job_id = (await client.job(path))["job_id"]
    await stage.admin().advance()
    result = (await client.poll(job_id))["result"]
    assert result.startswith(f"{stage.url}/cdn/")
    assert result.endswith(FILES[path][1])
    async with stage.http.get(result) as reply:
        assert (reply.status, reply.content_type) == (200, FILES[path][0])
        assert len(await reply.read()) > 60


async def test_asking_never_moves_a_job(stage: House) -> None:
    client = revid(stage)
    job_id = await client.paint()
    first = await client.poll(job_id)
    assert all([await client.poll(job_id) == first for _ in range(20)])


async def test_r_rev_103_what_has_ended_never_changes(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    done, broken, dropped = [await client.paint() for _ in range(3)]
    await admin.post(f"/tasks/{broken}/fail", {"reason": "The model broke."})
    await client.cancel(dropped)
    await admin.advance()
    ended = [await client.poll(job) for job in (done, broken, dropped)]
    assert [body["status"] for body in ended] == ["completed", "failed", "cancelled"]
    await admin.advance(seconds=100_000)
    for job in (done, broken, dropped):
        refused(await client.cancel(job), 400, "Cannot cancel job with status")
    assert [await client.poll(job) for job in (done, broken, dropped)] == ended


@pytest.mark.parametrize("reason", [None, "The model broke."])
async def test_r_rev_105_a_failed_job_is_refunded_once_and_says_why(stage: House, reason: str | None) -> None:
    client, admin = revid(stage), stage.admin()
    job_id = await client.film()
    await admin.advance(seconds=20)
    assert await admin.balance() == 990
    await admin.post(f"/tasks/{job_id}/fail", {} if reason is None else {"reason": reason})
    body = await client.poll(job_id)
    assert (body["status"], body["result"], body["cost"]) == ("failed", None, 10)
    assert body["error"] == (reason or "Job failed, change prompt or input and try again")
    assert body["progress"] < 100
    for _ in range(2):
        await admin.advance(seconds=1000)
        wallet = await admin.wallet()
        assert [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await admin.sound()


@pytest.mark.parametrize("field", ["img_url", "image_url", "video_url"])
async def test_r_rev_073_a_reference_that_is_not_eligible_ends_the_job_at_dispatch(stage: House, field: str) -> None:
    client, admin = revid(stage), stage.admin()
    given = {**BODIES[SEEDANCE], field: "https://media.example.com/Ineligible.mp4"}
    made = await client.job(SEEDANCE, given)
    assert made["balance_remaining"] == 920
    seen = await followed(client, stage, made["job_id"])
    assert list(dict.fromkeys(body["status"] for body in seen)) == ["pending", "failed"]
    assert (seen[-1]["error"], seen[-1]["progress"]) == ("Reference did not pass the eligibility check", 0)
    assert await admin.balance() == 1000
    await admin.sound()


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (SEEDANCE, {"audio_url": "https://media.example.com/ineligible.mp3"}),
        (SEEDANCE, {"img_url": PICTURE, "video_url": "https://media.example.com/eligible.mp4"}),
        (VIDEO, {"img_url": "https://media.example.com/ineligible.png"}),
    ],
)
async def test_sounds_and_other_models_skip_the_check(stage: House, path: str, more: dict[str, Any]) -> None:
    client = revid(stage)
    made = await client.job(path, {**BODIES[path], **more})
    await stage.admin().advance()
    assert await client.states(made["job_id"]) == ["completed"]


async def test_r_rev_104_a_job_that_waits_is_given_back_when_it_is_cancelled(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    jobs = [await client.film() for _ in range(4)]
    for job_id, back in ((jobs[3], 970), (jobs[0], 980)):
        answer = await client.cancel(job_id)
        assert answer.body == {"job_id": job_id, "status": "cancelled", "message": "Job cancelled"}
        assert await admin.balance() == back
        body = await client.poll(job_id)
        assert (body["status"], body["progress"], body["cost"], body["error"]) == ("cancelled", 0, 10, None)
        assert body["completed_at"] is not None
    await admin.sound()


async def test_r_rev_104_a_job_that_is_being_made_is_paid_for_when_it_is_cancelled(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    job_id = await client.film()
    await admin.advance(seconds=20)
    assert await client.states(job_id) == ["processing"]
    assert (await client.cancel(job_id)).status == 200
    await admin.advance(seconds=1000)
    body = await client.poll(job_id)
    assert (body["status"], body["result"]) == ("cancelled", None)
    assert 0 < body["progress"] < 100
    wallet = await admin.wallet()
    assert [wallet[name] for name in ("available", "held", "spent")] == [990, 0, 10]
    await admin.sound()


async def test_r_rev_104_an_ended_job_cannot_be_cancelled(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    done, broken, dropped = [await client.paint() for _ in range(3)]
    await client.cancel(dropped)
    await admin.post(f"/tasks/{broken}/fail", {})
    await admin.advance()
    before = await admin.wallet()
    for job_id, state in ((done, "completed"), (broken, "failed"), (dropped, "cancelled")):
        assert refused(await client.cancel(job_id), 400) == f"Cannot cancel job with status '{state}'"
    assert await admin.wallet() == before


@pytest.mark.parametrize("body", [b"", b"{", b"a=1", b"\xff\x00", b"[" * 5000])
async def test_the_body_of_a_cancel_is_not_read(stage: House, body: bytes) -> None:
    client = revid(stage)
    job_id = await client.paint()
    assert (await client.call("POST", f"/v1/jobs/{job_id}/cancel", data=body)).status == 200


@pytest.mark.parametrize(
    "job_id", ["job_0123456789abcdef01234567", "abc-123", "x" * 200, "%00", "..%2F..", "%F0%9F%A6"]
)
async def test_an_unknown_job_is_not_found(stage: House, job_id: str) -> None:
    client = revid(stage)
    assert refused(await client.get(f"/v1/jobs/{job_id}"), 404) == "Job not found"
    assert refused(await client.cancel(job_id), 404) == "Job not found"


async def test_r_rev_108_a_job_is_seen_by_the_keys_of_its_user_and_by_nobody_else(stage: House) -> None:
    """In one universe as well: another account, and another provider's task of the same key."""
    one = await rich(stage, "sk_test_of_ada_1", user="ada", universe="shared")
    two = await rich(stage, "sk_test_of_ada_2", user="ada", type="budgeted", balance="5", universe="shared")
    other = await rich(stage, "sk_test_of_bob_1", user="bob", universe="shared")
    job_id = await one.paint()
    assert await one.poll(job_id) == await two.poll(job_id)
    for stranger in (other, revid(stage)):
        refused(await stranger.get(f"/v1/jobs/{job_id}"), 404)
        refused(await stranger.cancel(job_id), 404)
    task_id = (await stage.gateway().task())["task_id"]
    refused(await revid(stage).get(f"/v1/jobs/{task_id}"), 404)
    assert (await two.cancel(job_id)).status == 200


async def test_an_administrator_decides_how_a_job_ends(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    done, stuck = await client.film(), await client.film()
    await admin.post(f"/tasks/{done}/complete")
    await admin.post(f"/tasks/{stuck}/stall")
    await admin.advance(seconds=100_000)
    assert await client.states(done, stuck) == ["completed", "pending"]
    assert (await client.limits())["active"] == [1, 0, 1, 0]
    told = (await admin.get(f"/tasks/{done}"))["explanation"]
    assert "RevidAPI accepted generateVideo" in told
    assert "row 8s of server fast, and costs 10 credits" in told


async def test_the_same_requests_in_the_same_order_give_the_same_jobs(stage: House, open_stage: Any) -> None:
    again = await open_stage()
    ids = [[(await revid(house).job(path))["job_id"] for path in (IMAGE, IMAGE, VIDEO)] for house in (stage, again)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


async def test_methods_that_a_path_does_not_answer_are_refused(stage: House) -> None:
    client = revid(stage)
    for method, path, allowed in (("DELETE", "/v1/jobs/abc", "GET"), ("GET", "/v1/jobs/abc/cancel", "POST")):
        answer = await client.call(method, path)
        refused(answer, 405, "is not possible here")
        assert answer.headers["Allow"] == allowed
    refused(await client.post("/v1/grok/generate", PAINT), 404, "There is no such endpoint")
