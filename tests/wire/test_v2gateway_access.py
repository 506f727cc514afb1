"""Who may do what on the /v2 gateway, how it refuses, and where it reports the end of a task."""

from __future__ import annotations

import pytest

from conftest import OpenStage
from support import judge
from support.client import House
from support.receiver import Receiver
from support.v2 import FULL, NO_DATA, SCOPES, VEO, invalid, nobody, refused, untouched, v2

PATH = "/v2/videos/generations"
KEY = "sk_test_registered"
ENDED = "f4a94d75-087b-4bb1-bd45-53ba293faf96"


@pytest.mark.parametrize(
    "header", ["", "Basic abc", "Bearer", "Bearer ", "Bearer short", "Bearer a b c d e f g h", "x"]
)
async def test_r_v2_004_both_calls_need_a_bearer_key(stage: House, header: str) -> None:
    """R-V2-004, R-V2-071: whatever else is wrong with the call."""
    headers = {"Authorization": header} if header else {}
    for method, path, body in (("POST", PATH, VEO), ("POST", "/v2/music/generations", []), ("GET", f"{PATH}/x", None)):
        answer = await nobody(stage).call(method, path, body=body, headers=headers)
        assert "Authorization: Bearer" in refused(answer, 401, "unauthorized") or "8 to 200" in answer["message"]


async def test_r_v2_004_a_key_in_another_place_is_no_key(stage: House) -> None:
    for given in ({"headers": {"x-api-key": stage.key}}, {"query": {"api_key": stage.key}}):
        answer = await nobody(stage).call("POST", PATH, body=VEO, **given)  # type: ignore[arg-type]
        refused(answer, 401, "unauthorized")


async def test_r_v2_004_a_revoked_key_and_in_strict_mode_an_unknown_one_are_refused(open_stage: OpenStage) -> None:
    house = await open_stage(strict_keys=True)
    refused(await v2(house).post(PATH, VEO), 401, "unauthorized")
    await house.anybody().ok("POST", "/keys", {"provider": "v2gateway", "key": KEY, "revoked": True})
    refused(await v2(house, KEY).post(PATH, VEO), 401, "unauthorized")


@pytest.mark.parametrize("scope", ["music", "image", "video", "audios", "VIDEOS", "videos%20", "%2e%2e", "videos%2Fx"])
async def test_r_v2_008_an_unknown_scope_is_404_and_the_known_ones_are_named(stage: House, scope: str) -> None:
    for answer in (
        await v2(stage).post(f"/v2/{scope}/generations", VEO),
        await v2(stage).get(f"/v2/{scope}/generations/{ENDED}"),
    ):
        assert "images, videos, audio" in refused(answer, 404, "not_found")
    await untouched(stage.admin())


@pytest.mark.parametrize(
    "path", ["/v2", "/v2/videos", "/v2/videos/generations/", "/v1/videos/generations", "/v2/a/b/c/d"]
)
async def test_r_v2_008_other_paths_do_not_exist(stage: House, path: str) -> None:
    """R-V2-008, R-V2-076: nothing beside the two documented paths is served."""
    refused(await v2(stage).get(path), 404, "not_found")


async def test_other_methods_are_named_as_impossible(stage: House) -> None:
    for method, path, allowed in (
        ("GET", PATH, "POST"),
        ("PUT", PATH, "POST"),
        ("POST", f"{PATH}/{ENDED}", "GET"),
        ("DELETE", f"{PATH}/{ENDED}", "GET"),
    ):
        answer = await v2(stage).call(method, path)
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == allowed


async def test_a_task_is_found_in_its_own_scope_only(stage: House) -> None:
    """A-V2-18, R-V2-071: under another scope it does not exist."""
    client = v2(stage)
    tasks = {scope: await client.submit(scope, model="plain") for scope in SCOPES}
    for scope in SCOPES:
        for other, task in tasks.items():
            answer = await client.get(f"/v2/{scope}/generations/{task}")
            if other == scope:
                assert answer["task_id"] == task
            else:
                refused(answer, 400, "task_not_exist")


async def test_r_v2_071_somebody_else_s_task_and_no_task_are_both_400_and_look_the_same(stage: House) -> None:
    """R-V2-071, A-V2-17: another key of the universe, another account, another provider's task, no task."""
    admin = stage.admin(universe="u_shared")
    for key in ("sk_test_one", "sk_test_two"):
        await admin.register("v2gateway", key=key, universe="u_shared")
    await admin.register("midsync", key="sk_test_one", universe="u_shared")
    task = await v2(stage, "sk_test_one").submit()
    foreign = (await stage.client("sk_test_one").create())["taskId"]
    assert (await v2(stage, "sk_test_one").poll(task))["task_id"] == task
    asked = [("sk_test_two", task), (stage.key, task), ("sk_test_one", foreign), ("sk_test_one", ENDED)]
    bodies = set()
    for key, name in asked:
        answer = await v2(stage, key).get(f"{PATH}/{name}")
        refused(answer, 400, "task_not_exist")
        bodies.add(answer.raw)
    assert len(bodies) == 1


async def test_keys_of_one_user_see_each_other_s_tasks(stage: House) -> None:
    """A task of another account does not exist; one of another key of the same account does."""
    admin = stage.admin(universe="u_team")
    await admin.register("v2gateway", key="sk_test_one", universe="u_team", user="team")
    await admin.register("v2gateway", key="sk_test_two", universe="u_team", user="team", type="budgeted", balance="100")
    task = await v2(stage, "sk_test_one").submit()
    assert (await v2(stage, "sk_test_two").poll(task))["task_id"] == task


@pytest.mark.parametrize("name", ["x" * 300, "%00", "..%2Fvideos", "%F0%9F%90%9F", "veo3:", "%FF", "a%0d%0ab"])
async def test_odd_task_ids_do_not_exist(stage: House, name: str) -> None:
    refused(await v2(stage).get(f"{PATH}/{name}"), 400, "task_not_exist")


async def test_r_v2_058_a_balance_that_does_not_cover_the_task_is_402_and_leaves_nothing(stage: House) -> None:
    """R-V2-058: the credits are looked at before the task is made; the last credit can be spent."""
    admin = stage.admin(KEY)
    await admin.register("v2gateway", key=KEY, balance="39.999999")
    refused(await v2(stage, KEY).post(PATH, VEO), 402, "insufficient_quota")
    assert await admin.tasks() == []
    assert (await admin.wallet())["available"] == (await admin.wallet())["issued"]
    await v2(stage, KEY).submit(model="sora-2")
    await admin.sound()
    full = stage.admin("sk_test_exactly")
    await full.register("v2gateway", key="sk_test_exactly", balance="40")
    await v2(stage, "sk_test_exactly").submit()
    assert (await full.balance()) == 0
    await full.sound()


async def test_a_key_may_be_limited_to_models_and_to_calls_a_minute(stage: House) -> None:
    """R-V2-075: nothing is published about limits; keys have them only when they are registered with them."""
    limits = {"models": ["veo3", "sora-2"], "limits": {"requests_per_minute": 5}}
    await stage.admin(KEY).register("v2gateway", key=KEY, **limits)
    client = v2(stage, KEY)
    for model in ("veo3.1", "wan3.0-video", "VEO3"):
        assert model in refused(await client.post(PATH, {**VEO, "model": model}), 403, "forbidden")
    assert await stage.admin(KEY).tasks() == []
    await client.submit(model="veo3")
    await client.submit(model="sora-2")
    answer = await client.post(PATH, VEO)
    refused(answer, 429, "rate_limit_exceeded")
    assert answer.headers["Retry-After"] == "12"
    assert answer.headers["x-request-id"].startswith("req_")


async def test_a_key_may_be_limited_to_addresses(stage: House) -> None:
    await stage.admin(KEY).register("v2gateway", key=KEY, ip_allowlist=["192.0.2.0/24"])
    refused(await v2(stage, KEY).post(PATH, VEO), 403, "forbidden")
    refused(await v2(stage, KEY).get(f"{PATH}/{ENDED}"), 403, "forbidden")


async def test_a_plan_nobody_knows_is_refused_by_the_administrator(stage: House) -> None:
    answer = await stage.admin().call("POST", "/keys", {"provider": "v2gateway", "plan": "seven-states"})
    assert answer.status == 400
    assert "six-states" in answer.raw.decode()


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("ends", ["SUCCESS", "FAILURE"])
async def test_r_v2_074_the_end_is_posted_once_to_notify_hook_with_the_poll_s_body(
    stage: House, receiver: Receiver, scope: str, ends: str
) -> None:
    """R-V2-025, R-V2-074, A-V2-20: unsigned; a field of its own name alone says who is told."""
    admin, client = stage.admin(), v2(stage)
    task = await client.submit(scope, **{**FULL, "notify_hook": receiver.url})
    await admin.advance(seconds=15)
    assert receiver.got == []
    if ends == "FAILURE":
        await admin.post(f"/tasks/{task}/fail", {"reason": "It was refused."})
    await admin.advance()
    (one,) = await receiver.arrived()
    assert one.raw == (await client.get(f"/v2/{scope}/generations/{task}")).raw
    assert (one.body["status"], one.body["data"] == NO_DATA) == (ends, ends == "FAILURE")
    judge.of("v2gateway").check_schema("CallbackBody", one.body)
    ours = {name.lower() for name in one.headers} & {"webhook-id", "webhook-signature", "x-soundstage-attempt"}
    assert ours == {"webhook-id", "x-soundstage-attempt"}
    assert not [name for name in one.headers if "signature" in name.lower()]
    await admin.advance(seconds=1_000_000)
    assert len(receiver.got) == 1


async def test_r_v2_074_without_a_hook_nobody_is_told_but_the_key_s_own_receiver(
    stage: House, receiver: Receiver
) -> None:
    await v2(stage).submit(notifyHook=receiver.url)
    await v2(stage).submit(notify_hook="")
    await v2(stage).submit(notify_hook=None)
    await stage.admin().advance()
    assert receiver.got == []
    await stage.admin(KEY).register("v2gateway", key=KEY, callback_url=receiver.url)
    task = await v2(stage, KEY).submit()
    await stage.admin(KEY).advance()
    assert [one.body["task_id"] for one in receiver.got] == [task]


async def test_r_v2_074_a_receiver_that_fails_is_tried_seven_times_with_the_same_bytes(
    stage: House, receiver: Receiver
) -> None:
    receiver.status = 500
    await v2(stage).submit(notify_hook=receiver.url)
    await stage.admin().advance()
    got = receiver.got
    assert [one.headers["x-soundstage-attempt"] for one in got] == [str(number) for number in range(1, 8)]
    assert len({(one.raw, one.headers["webhook-id"]) for one in got}) == 1
    (delivery,) = await stage.admin().deliveries()
    assert delivery["state"] == "exhausted"


async def test_a_query_that_cannot_be_read_is_refused_in_the_family_s_shape(stage: House) -> None:
    task = await v2(stage).submit()
    for query in ("?a=1&a=2", "?a=%FF"):
        invalid(await v2(stage).get(f"{PATH}/{task}{query}"), "query")
        invalid(await v2(stage).post(f"{PATH}{query}", VEO), "query")
    assert len(await stage.admin().tasks()) == 1
