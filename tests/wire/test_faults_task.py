"""Faults of tasks: each takes the course it promises, at all four providers, and the books balance at every step."""

from __future__ import annotations

from itertools import pairwise

import pytest

from support.client import House
from support.faulty import (
    APPLIED,
    CALLBACK_URL,
    CALLERS,
    MONTH,
    NO_RESULTS,
    PROVIDERS,
    WORDS,
    Side,
    reason,
    results,
    side,
)
from support.receiver import Receiver


async def settled(one: Side, *, free: bool) -> None:
    """Assert what the wallet looks like when everything has ended, and that the books balance."""
    wallet = await one.admin.wallet()
    assert wallet["held"] == 0
    assert (wallet["spent"] == 0) is free
    await one.admin.sound()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("at", ["start", "middle", "99", "end"])
async def test_a_task_fails_when_it_is_told_to_and_its_credits_come_back(stage: House, provider: str, at: str) -> None:
    one = side(stage, provider)
    task_id = await one.made(f'task/fail;at={at};reason="no more film"')
    assert await one.status(task_id) == WORDS[provider][0]
    await one.admin.advance()
    body = await one.poll(task_id)
    assert (body["status"], reason(provider, body)) == (WORDS[provider][3], "no more film")
    assert results(provider, body) == NO_RESULTS[provider]
    await settled(one, free=True)


async def test_a_task_may_fail_at_its_start_half_way_or_after_it_has_shown_99_percent(stage: House) -> None:
    one = side(stage, "revidapi")
    planned = await one.offsets(await one.made())
    begins, ends = planned[1][0], planned[-1][0]
    took = {}
    for at in ("start", "middle", "99", "end"):
        # The same request of a universe that forgot the last one gives the same task again.
        await one.admin.post("/reset", {"what": "state"})
        course = await one.offsets(await one.made(f"task/fail;at={at}"))
        took[at] = course[-1][0]
        assert [state for _, state, _ in course][-1] == "failed"
    assert took == {"start": begins, "middle": pytest.approx((begins + ends) / 2, abs=1), "99": ends, "end": ends}
    await one.admin.post("/reset", {"what": "state"})
    task_id = await one.made("task/fail;at=99")
    await one.admin.advance(seconds=ends / 1000 - 0.001)
    assert (await one.poll(task_id))["progress"] == 99
    await one.admin.advance(seconds=0.001)
    assert await one.status(task_id) == "failed"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_task_runs_for_ever_until_somebody_ends_it(stage: House, provider: str, receiver: Receiver) -> None:
    one = side(stage, provider)
    hook = {CALLBACK_URL[provider]: receiver.url} if provider in CALLERS else {}
    task_id = await one.made("task/never-ends", **hook)
    await one.admin.advance(seconds=MONTH)
    assert await one.status(task_id) == WORDS[provider][1]
    wallet = await one.admin.wallet()
    assert wallet["held"] > 0
    assert receiver.got == []
    assert (await one.admin.get("/clock"))["next_event"] is None
    await one.admin.sound()
    await one.admin.post(f"/tasks/{task_id}/complete")
    await one.admin.advance()
    assert await one.status(task_id) == WORDS[provider][2]
    assert len(receiver.got) == (1 if hook else 0)
    await settled(one, free=False)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_task_waits_for_ever_until_somebody_ends_it(stage: House, provider: str) -> None:
    one = side(stage, provider)
    task_id = await one.made("task/stuck-waiting")
    await one.admin.advance(seconds=MONTH)
    assert await one.status(task_id) == WORDS[provider][0]
    assert (await one.admin.wallet())["held"] > 0
    await one.admin.post(f"/tasks/{task_id}/fail", {"reason": "given up"})
    body = await one.poll(task_id)
    assert (body["status"], reason(provider, body)) == (WORDS[provider][3], "given up")
    await settled(one, free=True)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_slow_task_takes_the_same_course_more_slowly(stage: House, provider: str) -> None:
    one = side(stage, provider)
    planned = await one.offsets(await one.made())
    await one.admin.post("/reset", {"what": "state"})
    slow = await one.offsets(await one.made("task/slow;factor=3"))
    assert [point[1:] for point in slow] == [point[1:] for point in planned]
    assert [at for at, *_ in slow] == pytest.approx([3 * at for at, *_ in planned], abs=3)
    await one.admin.post("/reset", {"what": "state"})
    task_id = await one.made("task/slow;seconds=5400")
    assert (await one.offsets(task_id))[-1] == (5_400_000, "succeeded", 100)
    await one.admin.advance(seconds=5399)
    assert await one.status(task_id) == WORDS[provider][1]
    await one.admin.advance(seconds=1)
    assert await one.status(task_id) == WORDS[provider][2]
    await settled(one, free=False)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_polls_show_a_word_that_no_document_knows_while_the_task_runs(stage: House, provider: str) -> None:
    one = side(stage, provider)
    task_id = await one.made("task/unknown-status")
    assert await one.status(task_id) == WORDS[provider][0]
    begins = (await one.offsets(task_id))[1][0]
    await one.admin.advance(seconds=begins / 1000)
    assert await one.status(task_id) == "RECONCILING"
    await one.admin.advance()
    assert await one.status(task_id) == WORDS[provider][2]
    await settled(one, free=False)


@pytest.mark.parametrize("provider", CALLERS)
async def test_polls_and_callback_show_an_unknown_word_from_the_end_on(
    stage: House, provider: str, receiver: Receiver
) -> None:
    one = side(stage, provider)
    task_id = await one.made("task/unknown-status;word=DONE_ISH;while=end", **{CALLBACK_URL[provider]: receiver.url})
    await one.admin.advance()
    assert await one.status(task_id) == "DONE_ISH"
    assert (await receiver.arrived())[0].body == await one.poll(task_id)
    assert (await one.admin.get(f"/tasks/{task_id}"))["state"] == "succeeded"
    await settled(one, free=False)


async def test_a_poll_whose_word_was_changed_says_so(stage: House) -> None:
    one = side(stage, "revidapi")
    task_id = await one.made("task/unknown-status;while=end")
    before = await one.call("GET", f"/v1/jobs/{task_id}")
    assert APPLIED not in before.headers
    await one.admin.advance()
    after = await one.call("GET", f"/v1/jobs/{task_id}")
    assert after.headers[APPLIED] == "task/unknown-status"


@pytest.mark.parametrize("provider", ["revidapi", "v2gateway"])
async def test_progress_falls_back_half_way_and_ends_at_the_whole(stage: House, provider: str) -> None:
    one = side(stage, provider)
    task_id = await one.made("task/progress-back;by=50")
    seen, now = [], 0
    for at, *_ in await one.offsets(task_id):
        await one.admin.advance(seconds=(at - now) / 1000)
        now = at
        seen.append(int(str((await one.poll(task_id))["progress"]).rstrip("%")))
    falls = [(one_, next_) for one_, next_ in pairwise(seen) if next_ < one_]
    assert len(falls) == 1, seen
    assert seen[-1] == 100
    assert await one.status(task_id) == WORDS[provider][2]
    await settled(one, free=False)


@pytest.mark.parametrize("provider", ["midsync", "apikeyorg"])
async def test_progress_that_is_never_shown_does_not_fall_back(stage: House, provider: str) -> None:
    one = side(stage, provider)
    planned = await one.offsets(await one.made())
    await one.admin.post("/reset", {"what": "state"})
    await one.rule("task/progress-back")
    answer = await one.create("task/progress-back")
    assert answer.headers["X-Soundstage-Warning"].startswith("task/progress-back changes nothing here: ")
    assert APPLIED not in answer.headers
    (task,) = (await one.admin.get("/tasks"))["tasks"]
    assert await one.offsets(task["id"]) == planned
    assert (await one.admin.get(f"/tasks/{task['id']}"))["faults"] == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_task_succeeds_is_charged_and_has_no_result(stage: House, provider: str, receiver: Receiver) -> None:
    one = side(stage, provider)
    hook = {CALLBACK_URL[provider]: receiver.url} if provider in CALLERS else {}
    task_id = await one.made("task/no-output", **hook)
    await one.admin.advance()
    body = await one.poll(task_id)
    assert (body["status"], results(provider, body)) == (WORDS[provider][2], NO_RESULTS[provider])
    if hook:
        assert (await receiver.arrived())[0].body == body
    await settled(one, free=False)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_task_fails_and_nobody_says_why(stage: House, provider: str, receiver: Receiver) -> None:
    one = side(stage, provider)
    hook = {CALLBACK_URL[provider]: receiver.url} if provider in CALLERS else {}
    task_id = await one.made("task/no-reason", **hook)
    await one.admin.advance()
    body = await one.poll(task_id)
    assert body["status"] == WORDS[provider][3]
    assert reason(provider, body) == ("" if provider == "v2gateway" else None)
    if hook:
        assert (await receiver.arrived())[0].body == body
    await settled(one, free=True)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_was_accepted_is_refused_by_moderation_while_it_runs(stage: House, provider: str) -> None:
    one = side(stage, provider)
    planned = await one.offsets(await one.made())
    await one.admin.post("/reset", {"what": "state"})
    task_id = await one.made("task/moderation")
    begins, ends = (await one.offsets(task_id))[1][0], (await one.offsets(task_id))[-1][0]
    assert planned[1][0] < ends < planned[-1][0]
    await one.admin.advance(seconds=(begins + ends) / 2000)
    assert await one.status(task_id) == WORDS[provider][1]
    assert (await one.admin.wallet())["held"] > 0
    await one.admin.advance()
    body = await one.poll(task_id)
    assert body["status"] == WORDS[provider][3]
    assert "moderation" in reason(provider, body)
    await settled(one, free=True)


@pytest.mark.parametrize(
    ("weak", "strong", "state"),
    [
        ("task/never-ends", "task/fail", "failed"),
        ("task/stuck-waiting", "task/fail;at=99", "failed"),
        ("task/fail", "task/never-ends", "running"),
        ("task/progress-back", "money/charged-though-failed", "failed"),
        ("task/progress-back", "task/slow", "succeeded"),
        ("task/moderation", "task/slow", "failed"),
        ("money/refund-late", "task/stuck-waiting", "waiting"),
        ("task/never-ends", "task/no-reason", "failed"),
    ],
)
async def test_two_faults_add_up_and_the_stronger_one_decides_the_end(
    stage: House, weak: str, strong: str, state: str
) -> None:
    one = side(stage, "revidapi")
    await one.rule(weak)
    answer = await one.create(strong)
    assert answer.headers[APPLIED] == f"{strong.partition(';')[0]}, {weak}"
    await one.admin.advance(seconds=MONTH)
    task = await one.admin.get(f"/tasks/{answer['job_id']}")
    assert task["state"] == state
    assert [fault["fault"] for fault in task["faults"]] == [strong.partition(";")[0], weak]
    await one.admin.sound()


async def test_a_slow_task_keeps_its_progress_falling_back(stage: House) -> None:
    one = side(stage, "revidapi")
    await one.rule("task/progress-back")
    course = await one.offsets(await one.made())
    await one.admin.post("/reset", {"what": "state"})
    answer = await one.create("task/slow;factor=2")
    slow = await one.offsets(answer["job_id"])
    assert [point[1:] for point in slow] == [point[1:] for point in course]
    assert slow[-1][0] == pytest.approx(2 * course[-1][0], abs=2)
