"""API-Key's tasks from create to their end: answer, poll, outputs, delivery path (R-KEY-024..027, 040..050)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import pairwise

import pytest

from support.client import PROMPT, TASKS, Admin, House
from support.gateway import MODELS, everything, invalid, refused

KINDS = pytest.mark.parametrize("kind", sorted(TASKS))
FILES = {"video": ("video/mp4", b"ftyp", 4), "image": ("image/png", b"\x89PNG", 0), "music": ("audio/wav", b"RIFF", 0)}
RESERVES = {"video": 200, "image": 6, "music": 60}
KEYS = [
    "task_id", "id", "object", "status", "model", "created_at", "completed_at", "output_urls", "duration", "error",
    "credits",
]  # fmt: skip


async def timeline(admin: Admin, task_id: str) -> dict[str, float]:
    """Return when a task enters each state, in Unix seconds."""
    points = reversed((await admin.get(f"/tasks/{task_id}"))["timeline"])
    entered = {one["state"]: datetime.fromisoformat(one["at"]).timestamp() for one in points}
    return dict(sorted(entered.items(), key=lambda item: item[1]))


@KINDS
async def test_r_key_042_043_044_create_answers_four_values_and_nothing_else(stage: House, kind: str) -> None:
    """R-KEY-024..026, R-KEY-042..044, A-KEY-11, A-KEY-12."""
    made = await stage.gateway().task(kind)
    name = made["task_id"]
    assert re.fullmatch(r"task_[0-9a-f]{24}", name)
    assert made.body == {"task_id": name, "id": name, "object": f"gateway.{kind}.task", "status": "pending"}
    assert made.headers.get("X-Soundstage-Warning") is None


async def test_r_key_040_041_the_documented_bodies_make_tasks(stage: House) -> None:
    """R-KEY-040: no duration and no resolution. R-KEY-041: the faster model with both."""
    admin, client = stage.admin(), stage.gateway()
    shared = {"prompt": PROMPT, "max_credits": 250, "callback_url": "https://your-app.com/webhooks/api-key"}
    first = await client.post("/v1/videos", {"model": "seedance-2", **shared})
    second = await client.post(
        "/v1/videos", {"model": "seedance-2-fast", "duration": 6, "resolution": "720p", **shared}
    )
    assert [(one.status, one["object"]) for one in (first, second)] == [(200, "gateway.video.task")] * 2
    assert await admin.wallet() == {"issued": 1000, "available": 1000 - 200 - 72, "held": 272, "spent": 0}


@KINDS
async def test_r_key_045_046_a_life_on_a_manual_clock(stage: House, kind: str) -> None:
    """R-KEY-027, R-KEY-045, R-KEY-046: pending, processing, completed; each at its instant and not before."""
    admin, client = stage.admin(), stage.gateway()
    task = (await client.task(kind))["id"]
    at = await timeline(admin, task)
    assert list(at) == ["waiting", "running", "succeeded"]
    reserve = RESERVES[kind]
    under_way = {
        "task_id": task,
        "id": task,
        "object": f"gateway.{kind}.task",
        "status": "pending",
        "model": TASKS[kind][1]["model"],
        "created_at": int(at["waiting"]),
        "completed_at": None,
        "output_urls": [],
        "duration": None,
        "error": None,
        "credits": {"reserved": reserve, "charged": reserve, "released": 0},
    }
    body = await client.poll(task)
    assert body == under_way
    assert list(body) == KEYS
    for (state, start), (_, end) in pairwise(at.items()):
        status = {"waiting": "pending", "running": "processing"}[state]
        assert await client.poll(task) == {**under_way, "status": status}
        await admin.advance(seconds=round(end - start - 0.001, 3))
        assert await client.poll(task) == {**under_way, "status": status}
        await admin.advance(seconds=0.001)
    done = await client.poll(task)
    assert (done["status"], done["completed_at"], done["error"]) == ("completed", int(at["succeeded"]), None)
    assert done.keys() == under_way.keys()
    estimated = MODELS[done["model"]]["estimated_seconds"]
    assert 0.8 * estimated <= at["succeeded"] - at["waiting"] <= 1.1 * estimated + 10
    await admin.advance(seconds=10_000)
    assert await client.poll(task) == done
    await admin.sound()


@KINDS
async def test_r_key_045_asking_often_changes_nothing(stage: House, kind: str) -> None:
    client = stage.gateway()
    task = (await client.task(kind))["id"]
    assert len({str(await client.poll(task)) for _ in range(20)}) == 1


@KINDS
async def test_r_key_050_the_outputs_are_links_to_files_that_last(stage: House, kind: str) -> None:
    """R-KEY-045, R-KEY-050, A-KEY-19: without a key, and years later too."""
    admin, client = stage.admin(), stage.gateway()
    count = 4 if kind == "image" else 1
    task = (await client.task(kind, **({"n": count} if kind == "image" else {})))["id"]
    await admin.advance()
    urls = (await client.poll(task))["output_urls"]
    assert len(urls) == len(set(urls)) == count
    await admin.advance(seconds=10 * 365 * 86_400)
    assert (await client.poll(task))["output_urls"] == urls
    media, start, at = FILES[kind]
    for url in urls:
        assert url.startswith(f"{stage.url}/")
        async with stage.http.get(url) as reply:
            raw = await reply.read()
            assert (reply.status, reply.content_type) == (200, media)
            assert raw[at : at + len(start)] == start


async def test_r_key_027_somebody_else_s_task_and_no_task_are_both_not_found(
    stage: House, open_stage: Callable[..., Awaitable[House]]
) -> None:
    """Another account, another key of one universe, another provider's task, another server's."""
    admin = stage.admin(universe="u_shared")
    for key in ("sk_test_one", "sk_test_two"):
        await admin.register("apikeyorg", key=key, universe="u_shared")
    await admin.register("midsync", key="sk_test_one", universe="u_shared")
    task = (await stage.gateway("sk_test_one").task())["id"]
    foreign = (await stage.client("sk_test_one").create())["taskId"]
    assert (await stage.gateway("sk_test_one").poll(task))["id"] == task
    asked = [("sk_test_two", task), (stage.key, task), ("sk_test_one", foreign), ("sk_test_one", "task_abc123")]
    bodies = set()
    for key, name in asked:
        answer = await stage.gateway(key).get(f"/v1/tasks/{name}")
        assert refused(answer, 404, "task_not_found", "not_found_error")
        bodies.add(answer.raw)
    assert len(bodies) == 1, "nobody can tell whether a task exists that is not theirs"
    elsewhere = await open_stage()
    assert (await elsewhere.gateway("sk_test_one").get(f"/v1/tasks/{task}")).status == 404


@pytest.mark.parametrize("name", ["task_", "x" * 300, "%00", "..%2Fmodels", "task_%F0%9F%90%9F", "task_abc?x=1"])
async def test_odd_task_ids_are_not_found(stage: House, name: str) -> None:
    assert refused(await stage.gateway().get(f"/v1/tasks/{name}"), 404, "task_not_found", "not_found_error")


async def test_a_refused_body_creates_nothing(stage: House) -> None:
    admin, client = stage.admin(), stage.gateway()
    await client.task()
    before = await everything(admin)
    for path, given in TASKS.values():
        assert invalid(await client.post(path, {**given, "max_credits": "x"}), "max_credits")
        assert invalid(await client.post(path, {**given, "model": "gpt-5"}), "model")
        missing = await client.post(path, {**given, "model": "sora-9"})
        assert refused(missing, 404, "model_not_found", "not_found_error", "model")
    assert await everything(admin) == before


async def test_r_key_049_the_explanation_names_the_delivery_path_and_clients_see_none(stage: House) -> None:
    """R-KEY-049: a busy path lengthens the pending phase by its waits."""
    admin, client = stage.admin(), stage.gateway()
    await admin.register("apikeyorg", key=stage.key, balance="100000")
    model = "seedance-2-fast"
    paths, waits = {path["id"]: path for path in MODELS[model]["paths"]}, set()
    for _ in range(60):
        made = await client.task(model=model, duration=4)
        shown = await admin.get(f"/tasks/{made['id']}")
        route = re.search(r"Delivery path: (.*?)\. It is ", shown["explanation"])
        assert route is not None
        tries = route[1].split("; ")
        assert tries[-1].endswith("took it")
        for one in tries:
            path = paths[one.split(" ")[0]]
            assert f"(priority {path['priority']}, weight {path['weight']}, up to {path['retries']} " in one
        assert not [name for name in (*paths, "path") if name in str(await client.poll(made["id"])) + str(made.body)]
        at = await timeline(admin, made["id"])
        pending, processing = at["running"] - at["waiting"], at["succeeded"] - at["running"]
        waited = sum(int(number) for number in re.findall(r"tried again after (\d+) s", route[1]))
        assert pending == pytest.approx(processing / 9 + waited, abs=0.001)
        waits.add(waited)
    assert len(waits) > 1, "some path was busy"
