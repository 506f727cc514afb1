"""MidSync's look-up, models and access (R-MID-001..012, 025, 026, 090..096, 130..137)."""

from __future__ import annotations

import pytest

from support.client import KLING, SEEDANCE, House

PATHS = [
    ("POST", "/v1/videos/generations"),
    ("POST", "/unified-video/generate"),
    ("POST", "/unified-video/quote"),
    ("GET", "/unified-video/gen_1/status"),
    ("GET", "/unified-video/models"),
    ("GET", "/v1/usage/logs"),
    ("GET", "/v1/usage/summary"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_r_mid_004_every_call_needs_a_key(stage: House, method: str, path: str) -> None:
    answer = await stage.nobody().call(method, path, body=dict(KLING) if method == "POST" else None)
    assert (answer.status, answer["code"]) == (401, "unauthorized")
    assert "Authorization: Bearer" in answer["error"]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_r_mid_007_008_009_scopes(stage: House, method: str, path: str) -> None:
    """R-MID-007..009: generate for video paths, read for usage."""
    needed = "api.read" if "usage" in path else "api.generate"
    other = "api.generate" if "usage" in path else "api.read"
    await stage.anybody().register(key="sk_test_needed", scopes=[needed])
    await stage.anybody().register(key="sk_test_another", scopes=[other])
    body = dict(KLING) if method == "POST" else None
    refused = await stage.client("sk_test_another").call(method, path, body=body)
    assert (refused.status, refused["code"]) == (403, "forbidden")
    assert needed in refused["error"]
    allowed = await stage.client("sk_test_needed").call(method, path, body=body)
    assert allowed.status in {200, 404}


@pytest.mark.parametrize("path", ["/v1/usage/logs", "/v1/usage/summary"])
async def test_r_mid_005_the_key_may_come_in_the_query(stage: House, path: str) -> None:
    assert (await stage.client().get(path, landing=True)).status == 200


async def test_r_mid_130_submitted_processing_completed(stage: House) -> None:
    """R-MID-056, R-MID-091, R-MID-130, A-MID-04; polling never moves a task."""
    client, admin = stage.client(), stage.admin()
    task = (await client.create(SEEDANCE))["taskId"]
    seen = [await client.status(task) for _ in range(3)]
    assert {one["status"] for one in seen} == {"submitted"}
    timeline = (await admin.get(f"/tasks/{task}"))["timeline"]
    assert list(dict.fromkeys(point["state"] for point in timeline)) == ["waiting", "running", "succeeded"]
    await admin.advance(seconds=20)
    assert (await client.status(task))["status"] == "processing"
    await admin.advance()
    done = await client.status(task)
    assert done["status"] == "completed"
    assert done["assets"][0]["url"] == done["output"]["videoUrl"]
    assert done["output"]["durationSeconds"] == 8
    await admin.advance(seconds=10_000_000)
    assert await client.status(task) == done


async def test_r_mid_058_the_estimate_is_near_the_truth(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    made = await client.create(SEEDANCE)
    await admin.advance(seconds=made["estimatedTimeSec"] * 1.1)
    assert (await client.status(made["taskId"]))["status"] == "completed"


async def test_r_mid_091_093_a_failed_task_says_why(stage: House) -> None:
    client, admin = stage.client(), stage.admin()
    task = (await client.create())["taskId"]
    await admin.post(f"/tasks/{task}/fail", {"reason": "The prompt was refused."})
    failed = await client.status(task)
    assert failed == {
        "success": True, "taskId": task, "status": "failed", "output": None, "assets": [],
        "error": "The prompt was refused.",
    }  # fmt: skip
    other = (await client.create())["taskId"]
    await admin.post(f"/tasks/{other}/fail")
    assert len((await client.status(other))["error"]) > 20


async def test_r_mid_090_only_ones_own_task_id_finds_a_task(stage: House) -> None:
    """R-MID-090: neither the upstream id nor a stranger's id, nor one of another key in the same universe."""
    client = stage.client()
    made = await client.create()
    same = stage.admin(universe="shared")
    for key in ("sk_test_first", "sk_test_second"):
        await same.register(key=key)
    first = await stage.client("sk_test_first").create()
    for who, task in [
        (client, made["providerTaskId"]),
        (stage.client("sk_test_stranger"), made["taskId"]),
        (stage.client("sk_test_second"), first["taskId"]),
        (client, "gen_nothing"),
    ]:
        answer = await who.get(f"/unified-video/{task}/status")
        assert (answer.status, answer["code"]) == (404, "not_found")


async def test_d2_status_answers_for_both_create_paths(stage: House) -> None:
    """A-MID-21."""
    client = stage.client()
    for path in ("/v1/videos/generations", "/unified-video/generate"):
        task = (await client.post(path, KLING))["taskId"]
        assert (await client.status(task))["status"] == "submitted"


async def test_r_mid_095_096_models_params_and_price_hints(stage: House) -> None:
    """R-MID-026, R-MID-095, R-MID-096, R-MID-100..108."""
    body = (await stage.client().get("/unified-video/models")).body
    assert body.keys() == {"models", "modelParams", "pricingHints"}
    ids = ["seedance-1.5-pro", "kling-2.5-turbo", "runway", "grok-video"]
    assert [one["id"] for one in body["models"]] == ids
    assert list(body["modelParams"]) == list(body["pricingHints"]) == ids
    params = body["modelParams"]
    assert params["seedance-1.5-pro"]["duration"]["enum"] == [4, 8, 12]
    assert params["seedance-1.5-pro"]["prompt"]["maxLength"] == 2500
    assert params["kling-2.5-turbo"]["cfgScale"]["clamp"] is True
    assert params["runway"]["prompt"]["maxLength"] == 1800
    assert params["grok-video"]["mode"]["default"] == "normal"
    assert len(body["pricingHints"]["seedance-1.5-pro"]["rows"]) == 18


async def test_r_mid_136_the_default_receiver_of_a_key_is_used_when_the_request_names_none(stage: House) -> None:
    """A-MID-22."""
    admin = stage.admin("sk_test_hooked")
    await admin.register(key="sk_test_hooked", callback_url="https://your-app.com/default")
    client = stage.client("sk_test_hooked")
    default, own = await client.create(), await client.create(callbackUrl="https://your-app.com/own")
    await admin.advance()
    urls = {one["task_id"]: one["url"] for one in await admin.deliveries()}
    assert urls[default["taskId"]] == "https://your-app.com/default"
    assert urls[own["taskId"]] == "https://your-app.com/own"
