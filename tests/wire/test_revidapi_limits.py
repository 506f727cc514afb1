"""RevidAPI's slots and queue: who runs, who waits, who is refused, and what GET /limits says (R-REV-200..206)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from support.client import House
from support.revid import BODIES, CATALOGUE, IMAGE, MOTION, PAINT, SEEDANCE, VIDEO, Revid, refused, revid, rich, row_of

PATHS = {"image": IMAGE, "video": VIDEO}


async def fill(client: Revid, path: str, count: int) -> list[str]:
    """Create jobs of one kind and return their ids."""
    return [str((await client.job(path))["job_id"]) for _ in range(count)]


async def ended_at(client: Revid, job_id: str) -> datetime:
    """Return when a job ended."""
    return datetime.fromisoformat((await client.poll(job_id))["completed_at"])


@pytest.mark.parametrize("kind", PATHS)
async def test_r_rev_204_the_seventh_job_of_a_kind_is_refused_and_costs_nothing(stage: House, kind: str) -> None:
    client, admin = revid(stage), stage.admin()
    await fill(client, PATHS[kind], 6)
    before = (await admin.tasks(), await admin.wallet())
    answer = await client.post(PATHS[kind], BODIES[PATHS[kind]])
    assert refused(answer, 429) == "Queue full (3/3)"
    assert "Retry-After" not in answer.headers
    assert (await admin.tasks(), await admin.wallet()) == before
    await admin.sound()


async def test_r_rev_200_the_ninth_job_of_a_mix_is_refused(stage: House) -> None:
    """Three images and two videos run: the total of five binds first (A-REV-40), three more wait (A-REV-41)."""
    client = revid(stage)
    await fill(client, IMAGE, 3)
    await fill(client, VIDEO, 5)
    assert (await client.limits())["active"] == [5, 3, 2, 3]
    for path in (IMAGE, VIDEO):
        refused(await client.post(path, BODIES[path]), 429, "Queue full (3/3)")


async def test_r_rev_200_the_sixth_job_of_a_mix_waits_though_its_kind_has_room(stage: House) -> None:
    client = revid(stage)
    await fill(client, IMAGE, 3)
    await fill(client, VIDEO, 2)
    await client.film()
    assert await client.limits() == {"limits": [5, 3, 3, 3], "active": [5, 3, 2, 1], "available": [0, 0, 2]}


@pytest.mark.parametrize("path", [SEEDANCE, MOTION])
async def test_everything_that_is_no_image_takes_a_place_of_the_videos(stage: House, path: str) -> None:
    client = await rich(stage, limits={"video_concurrent": 1})
    await client.job(path)
    await client.film()
    assert (await client.limits())["active"] == [1, 0, 1, 1]


async def test_r_rev_202_limits_are_live(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    assert await client.limits() == {"limits": [5, 3, 3, 3], "active": [0, 0, 0, 0], "available": [3, 3, 3]}
    assert (await client.get("/v1/limits"))["plan"] == "default"
    first = await client.film()
    assert await client.limits() == {"limits": [5, 3, 3, 3], "active": [1, 0, 1, 0], "available": [3, 2, 3]}
    await fill(client, VIDEO, 4)
    assert await client.limits() == {"limits": [5, 3, 3, 3], "active": [3, 0, 3, 2], "available": [2, 0, 1]}
    await client.cancel(first)
    assert await client.limits() == {"limits": [5, 3, 3, 3], "active": [3, 0, 3, 1], "available": [2, 0, 2]}
    await admin.advance()
    assert await client.limits() == {"limits": [5, 3, 3, 3], "active": [0, 0, 0, 0], "available": [3, 3, 3]}


async def test_r_rev_205_a_full_kind_does_not_block_the_other(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    await fill(client, VIDEO, 5)
    picture = await client.paint()
    await admin.advance(seconds=3)
    assert await client.states(picture) == ["processing"]
    assert (await client.limits())["active"] == [4, 1, 3, 2]


async def test_r_rev_205_jobs_of_a_kind_start_in_the_order_they_came(stage: House) -> None:
    client, admin = await rich(stage, limits={"video_concurrent": 1, "queue": 10}), stage.admin("sk_test_rich_one")
    jobs = await fill(client, VIDEO, 6)
    started: list[str] = []
    for _ in range(400):
        states = await client.states(*jobs)
        assert states.count("processing") <= 1
        started += [job for job, state in zip(jobs, states, strict=True) if state != "pending" and job not in started]
        await admin.advance(seconds=1)
    assert started == jobs
    assert set(await client.states(*jobs)) == {"completed"}


async def test_a_waiting_job_starts_at_the_instant_a_place_frees(stage: House) -> None:
    """However far the clock jumps, nobody starts earlier or later than the end of who held the place."""
    key = "sk_test_rich_one"
    client, admin = await rich(stage, limits={"image_concurrent": 1}), stage.admin(key)
    jobs = await fill(client, IMAGE, 4)
    spans = [row.delay_ms + row.run_ms for row in (row_of(stage, job, key) for job in jobs)]
    created = datetime.fromisoformat((await client.poll(jobs[0]))["created_at"])
    await admin.advance(seconds=3600)
    expected = created
    for job, span in zip(jobs, spans, strict=True):
        expected += timedelta(milliseconds=span)
        assert await ended_at(client, job) == expected
    await admin.sound()


async def test_a_job_that_jumps_the_total_waits_for_any_end_of_its_own_kind_or_the_other(stage: House) -> None:
    client, admin = await rich(stage, limits={"total_concurrent": 2}), stage.admin("sk_test_rich_one")
    first, _, waiting = await client.paint(), await client.film(), await client.film()
    await client.cancel(first)
    assert (await client.limits())["active"] == [2, 0, 2, 0]
    await admin.advance(seconds=8)
    assert await client.states(waiting) == ["processing"]


async def test_a_failed_job_frees_its_place(stage: House) -> None:
    client, admin = await rich(stage, limits={"image_concurrent": 1}), stage.admin("sk_test_rich_one")
    first, second = await fill(client, IMAGE, 2)
    await admin.post(f"/tasks/{first}/fail", {"reason": "The model broke."})
    assert (await client.limits())["active"] == [1, 1, 0, 0]
    await admin.advance(seconds=3)
    assert await client.states(first, second) == ["failed", "processing"]
    await admin.sound()


async def test_a_full_queue_opens_again_when_a_job_ends(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    first = (await fill(client, IMAGE, 6))[0]
    refused(await client.post(IMAGE, PAINT), 429)
    await client.cancel(first)
    await client.paint()
    refused(await client.post(IMAGE, PAINT), 429)
    await admin.advance()
    assert (await client.limits())["active"] == [0, 0, 0, 0]
    await admin.sound()


@pytest.mark.parametrize("plan", CATALOGUE["plans"])
async def test_r_rev_201_206_a_plan_allows_what_it_says(stage: House, plan: str) -> None:
    given: dict[str, Any] = CATALOGUE["plans"][plan]
    client = await rich(stage, limits=None, plan=plan)
    total, image, video, queue = (
        given[name] for name in ("total_concurrent", "image_concurrent", "video_concurrent", "queue")
    )
    assert (await client.get("/v1/limits"))["plan"] == plan
    assert (await client.limits())["limits"] == [total, image, video, queue]
    await fill(client, IMAGE, image)
    await fill(client, VIDEO, total - image)
    await fill(client, VIDEO, queue)
    assert (await client.limits())["active"] == [total, image, total - image, queue]
    refused(await client.post(IMAGE, PAINT), 429, f"Queue full ({queue}/{queue})")


async def test_a_keys_own_limits_go_before_its_plans(stage: House) -> None:
    client = await rich(stage, plan="business", limits={"image_concurrent": 1, "queue": 1})
    assert (await client.limits())["limits"] == [6, 1, 3, 1]
    await fill(client, IMAGE, 2)
    refused(await client.post(IMAGE, PAINT), 429, "Queue full (1/1)")


async def test_keys_of_one_user_share_their_places_and_others_do_not(stage: House) -> None:
    universe = {"user": "ada", "universe": "shared"}
    one = await rich(stage, "sk_test_of_ada_1", limits=None, **universe)
    two = await rich(stage, "sk_test_of_ada_2", limits=None, **universe)
    other = await rich(stage, "sk_test_of_bob_1", limits=None, user="bob", universe="shared")
    await fill(one, IMAGE, 3)
    await fill(two, IMAGE, 3)
    assert (await one.limits()) == (await two.limits())
    refused(await two.post(IMAGE, PAINT), 429)
    assert (await other.limits())["active"] == [0, 0, 0, 0]
    await other.paint()


async def test_r_rev_207_a_key_with_a_rate_is_refused_in_the_documented_words(stage: House) -> None:
    client = await rich(stage, limits={"requests_per_minute": 2})
    for _ in range(2):
        await client.limits()
    answer = await client.get("/v1/limits")
    assert refused(answer, 429) == "Rate limit exceeded. Limit: 2 requests per minute."
    assert answer.headers["Retry-After"] == "30"


@pytest.mark.parametrize("limits", [{"image_concurrent": 0}, {"slots": 3}, {"queue": 1_000_001}])
async def test_limits_that_make_no_sense_are_not_registered(stage: House, limits: dict[str, int]) -> None:
    answer = await stage.anybody().call("POST", "/keys", {"provider": "revidapi", "limits": limits})
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_limit")
    answer = await stage.anybody().call("POST", "/keys", {"provider": "revidapi", "plan": "gold"})
    assert (answer.status, answer["error"]["code"]) == (400, "unknown_plan")


async def test_a_waiting_job_is_paid_for_and_given_back_when_it_is_cancelled(stage: House) -> None:
    client, admin = revid(stage), stage.admin()
    jobs = await fill(client, IMAGE, 4)
    assert (await admin.wallet())["held"] == Decimal(16)
    await client.cancel(jobs[-1])
    await admin.advance()
    wallet = await admin.wallet()
    assert [wallet[name] for name in ("spent", "held", "available")] == [12, 0, 988]
    assert await client.states(*jobs) == ["completed"] * 3 + ["cancelled"]
    await admin.sound()
