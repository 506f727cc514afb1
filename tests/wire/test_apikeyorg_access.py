"""API-Key's keys: two headers, what needs none, and what a key may not do (R-KEY-002..004, 010, 070..072)."""

from __future__ import annotations

import re

import pytest

from conftest import OpenStage
from support.client import TASKS, House
from support.gateway import BODIES, KEYLESS, OPERATIONS, PROTECTED, bearer, nobody, refused

GOOD, OTHER = "sk_test_good", "sk_test_other"
NO_KEY = (401, "invalid_api_key", "authentication_error")


def test_which_operations_need_a_key_is_what_the_requirements_say() -> None:
    """R-KEY-003, R-KEY-010, A-KEY-01."""
    assert {path for _, path in KEYLESS} == {
        "/v1/models",
        "/v1/credits/estimate",
        "/openapi.json",
        "/api-docs/index.md",
        "/llms.txt",
        "/.well-known/api-catalog",
        "/auth.md",
    }
    assert len(PROTECTED) == 6


async def test_r_key_002_either_header_is_enough_and_means_the_same_key(stage: House) -> None:
    by_bearer, plain = stage.gateway(GOOD), nobody(stage)
    made = await by_bearer.task()
    header = {"x-api-key": GOOD}
    assert (await plain.call("GET", f"/v1/tasks/{made['id']}", headers=header))["id"] == made["id"]
    again = await plain.call("POST", "/v1/videos", body=TASKS["video"][1], headers=header)
    assert (await by_bearer.poll(again["id"]))["status"] == "pending"
    assert await stage.admin(GOOD).balance() == 600


async def test_a_key_02_authorization_wins_where_both_are_sent(stage: House) -> None:
    client = nobody(stage)
    both = {**bearer(GOOD), "x-api-key": OTHER}
    made = await client.call("POST", "/v1/videos", body=TASKS["video"][1], headers=both)
    assert (await stage.gateway(GOOD).poll(made["id"]))["id"] == made["id"]
    assert (await stage.gateway(OTHER).get(f"/v1/tasks/{made['id']}")).status == 404
    for headers, status in [
        ({**bearer(GOOD), "x-api-key": "?"}, 200),
        ({**bearer("?"), "x-api-key": GOOD}, 401),
        ({"Authorization": "Basic c2s6c2s=", "x-api-key": GOOD}, 401),
        ({"Authorization": "", "x-api-key": GOOD}, 401),
    ]:
        assert (await client.call("GET", f"/v1/tasks/{made['id']}", headers=headers)).status == status, headers


@pytest.mark.parametrize("value", ["bearer sk_test_good", "BEARER sk_test_good", "Bearer   sk_test_good"])
async def test_the_scheme_s_case_and_spacing_do_not_matter(stage: House, value: str) -> None:
    answer = await nobody(stage).call("POST", "/v1/videos", body=TASKS["video"][1], headers={"Authorization": value})
    assert answer.status == 200


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_r_key_002_071_protected_calls_without_a_good_key_are_401(stage: House, method: str, path: str) -> None:
    client = nobody(stage)
    wrong = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic sk_test_good"},
        {"Authorization": "sk_test_good"},
        {"x-api-key": ""},
        bearer("sk_7chr"),
        bearer("x" * 201),
        bearer("sk test good"),
        bearer("sk_test_gööd"),
        bearer("sk_test_old_revoked"),
        {"x-api-key": "sk_test_old_invalid"},
    ]
    for headers in wrong:
        answer = await client.call(method, path, body=BODIES.get(path), headers=headers)
        assert refused(answer, *NO_KEY), headers
    in_query = await client.call(method, path, body=BODIES.get(path), query={"api_key": GOOD, "key": GOOD})
    assert in_query.status == 401
    assert (await stage.anybody().get("/universes"))["universes"] == []


@pytest.mark.parametrize("key", ["sk_7ch_8", "x" * 200, "A.b-c_9.", "00000000"])
async def test_keys_of_any_common_form_work_at_once(stage: House, key: str) -> None:
    assert (await stage.gateway(key).task()).status == 200


@pytest.mark.parametrize(("method", "path"), KEYLESS)
async def test_r_key_003_010_031_public_calls_need_no_key_but_judge_one(stage: House, method: str, path: str) -> None:
    client, body = nobody(stage), BODIES.get(path)
    assert (await client.call(method, path, body=body)).status == 200
    assert (await client.call(method, path, body=body, headers=bearer(GOOD))).status == 200
    for headers in (bearer("?"), {"x-api-key": "?"}, bearer("sk_test_old_revoked")):
        assert refused(await client.call(method, path, body=body, headers=headers), *NO_KEY)


async def test_a_revoked_key_is_refused_everywhere_and_its_tasks_stay(stage: House) -> None:
    admin, client = stage.admin(GOOD), stage.gateway(GOOD)
    registered = await admin.register("apikeyorg", key=GOOD)
    made = await client.task()
    assert (await admin.call("DELETE", f"/keys/{registered['id']}")).status == 204
    for method, path, _ in OPERATIONS:
        answer = await client.call(method, path, body=BODIES.get(path))
        assert refused(answer, *NO_KEY), path
    assert [task["id"] for task in await admin.tasks()] == [made["id"]]
    await admin.sound()


async def test_strict_keys_let_in_registered_ones_only(open_stage: OpenStage) -> None:
    stage = await open_stage(strict_keys=True)
    await stage.anybody().register("apikeyorg", key=GOOD)
    assert (await stage.gateway(GOOD).task()).status == 200
    assert (await stage.gateway(OTHER).post("/v1/videos", TASKS["video"][1])).status == 401
    assert (await stage.gateway(OTHER).get("/v1/models")).status == 401
    assert (await nobody(stage).get("/v1/models")).status == 200


@pytest.mark.parametrize("path", sorted(BODIES))
async def test_r_key_004_072_a_key_may_be_limited_to_some_models(stage: House, path: str) -> None:
    body, admin = BODIES[path], stage.admin(GOOD)
    await admin.register("apikeyorg", key=GOOD, models=[body["model"]])
    await stage.admin(OTHER).register("apikeyorg", key=OTHER, models=["lyria-3", "claude-sonnet-5"])
    assert (await stage.gateway(GOOD).post(path, body)).status == 200
    answer = await stage.gateway(OTHER).post(path, body)
    assert refused(answer, 403, "model_not_allowed", "permission_error", "model")
    assert "lyria-3" in answer["error"]["message"]
    assert (await stage.gateway(OTHER).post(path, {**body, "model": "sora-9"})).status == 404
    assert await stage.admin(OTHER).balance() == 1000
    assert await stage.admin(OTHER).tasks() == []


async def test_an_empty_list_of_models_allows_none_and_none_at_all_allows_all(stage: House) -> None:
    await stage.admin(GOOD).register("apikeyorg", key=GOOD, models=[])
    await stage.admin(OTHER).register("apikeyorg", key=OTHER)
    for path, body in BODIES.items():
        assert (await stage.gateway(GOOD).post(path, body)).status == 403
        assert (await stage.gateway(OTHER).post(path, body)).status == 200
    assert (await stage.gateway(GOOD).get("/v1/models")).status == 200


async def test_the_admin_refuses_models_there_are_none_of(stage: House) -> None:
    answer = await stage.admin(GOOD).call("POST", "/keys", {"provider": "apikeyorg", "models": ["sora-9", "suno-5"]})
    assert (answer.status, answer["error"]["code"]) == (400, "unknown_model")
    assert "sora-9" in answer["error"]["hint"]
    assert "suno-5" in answer["error"]["message"]
    assert (await stage.anybody().get("/keys"))["keys"] == []


async def test_a_rate_limit_says_when_to_come_again(stage: House) -> None:
    """R-KEY-071 gap: 429 with Retry-After; the answer is that of the manual clock."""
    admin, client = stage.admin(GOOD), stage.gateway(GOOD)
    await admin.register("apikeyorg", key=GOOD, limits={"requests_per_minute": 2})
    for _ in range(2):
        assert (await client.get("/v1/models")).status == 200
    answer = await client.post("/v1/videos", TASKS["video"][1])
    assert refused(answer, 429, "rate_limit_exceeded", "rate_limit_error")
    assert (answer.headers["Retry-After"], answer.headers["retry-after-ms"]) == ("30", "30000")
    await admin.advance(seconds=29.999)
    assert (await client.get("/v1/models")).status == 429
    await admin.advance(seconds=0.001)
    assert (await client.get("/v1/models")).status == 200
    assert await admin.tasks() == []


async def test_r_key_070_every_reply_names_its_request(stage: House) -> None:
    client, seen = stage.gateway(GOOD), set()
    for method, path, _ in OPERATIONS:
        seen.add((await client.call(method, path, body=BODIES.get(path))).headers["x-request-id"])
    wrong = await client.call("DELETE", "/v1/videos")
    assert refused(wrong, 405, "method_not_allowed", "invalid_request_error")
    assert wrong.headers["Allow"] == "POST"
    seen.add(wrong.headers["x-request-id"])
    assert len(seen) == len(OPERATIONS) + 1
    assert [one for one in seen if not re.fullmatch(r"req_\d+", one)] == []


@pytest.mark.parametrize("path", ["/v1/video", "/", "/v1/videos/generations", "/v1/tasks", "/v1/tasks/"])
async def test_a_path_there_is_not_is_told_in_api_key_s_words(stage: House, path: str) -> None:
    """A-KEY-14: /v1/videos/generations is not served. Every reply has an x-request-id, this one too."""
    answer = await stage.gateway(GOOD).get(path)
    assert refused(answer, 404, "not_found", "not_found_error")
    assert re.fullmatch(r"req_\d+", answer.headers.get("x-request-id", "none"))
