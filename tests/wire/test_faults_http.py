"""Replies that are wrong as HTTP or in their content: what a client sees, and that the books know better."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from support import judge
from support.client import House
from support.faulty import side
from support.revid import IMAGE
from support.sockets import CREATES

APPLIED, ASKED = "X-Soundstage-Fault-Applied", "X-Soundstage-Fault"
POLLS = {
    "midsync": "/unified-video/{}/status",
    "apikeyorg": "/v1/tasks/{}",
    "revidapi": "/v1/jobs/{}",
    "v2gateway": "/v2/videos/generations/{}",
}
IDS = {"midsync": "taskId", "apikeyorg": "task_id", "revidapi": "job_id", "v2gateway": "task_id"}
providers = pytest.mark.parametrize("provider", list(CREATES))


@dataclass(frozen=True)
class Got:
    """A reply, unjudged."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    type: str

    @property
    def body(self) -> Any:
        """The JSON value."""
        return json.loads(self.raw)


async def get(house: House, path: str, fault: str | None = None, **more: Any) -> Got:
    """Make a call, a GET unless something else is said, that may ask for a fault."""
    headers = {"Authorization": f"Bearer {house.key}", **({} if fault is None else {ASKED: fault})}
    async with house.http.request(more.pop("method", "GET"), f"{house.url}{path}", headers=headers, **more) as reply:
        return Got(reply.status, await reply.read(), reply.headers, reply.content_type)


async def make(house: House, provider: str, fault: str | None = None, **more: Any) -> Got:
    """Make a create call that may ask for a fault."""
    path, body = CREATES[provider]
    return await get(house, f"/{provider}{path}", fault, method="POST", json=body, **more)


async def done(house: House, provider: str, times: int = 1) -> None:
    """Assert that so many tasks exist, all of them charged."""
    admin = house.admin()
    tasks = await admin.tasks()
    assert [task["provider"] for task in tasks] == [provider] * times
    wallet = await admin.wallet()
    assert wallet["held"] + wallet["spent"] == sum(Decimal(task["cost"]) for task in tasks)
    await admin.sound()


def in_its_shape(provider: str, body: Any) -> None:
    """Assert that a body is an error as the provider's document describes it."""
    judge.of(provider)._valid("a fault", "error", {"$ref": "#/components/schemas/Error"}, body)


@providers
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 418, 429, 500, 502, 503, 504, 599])
async def test_any_status_comes_in_the_providers_own_error_shape(stage: House, provider: str, status: int) -> None:
    got = await make(stage, provider, f"http/status;status={status};message=not today")
    assert (got.status, got.headers[APPLIED]) == (status, "http/status")
    assert "Retry-After" not in got.headers
    in_its_shape(provider, got.body)
    assert b"not today" in got.raw or "not today" in got.headers["X-Soundstage-Hint"]
    await done(stage, provider, 0)


def code_of(body: Any) -> Any:
    """Return an error's code; RevidAPI's have texts alone."""
    return body["error"]["code"] if isinstance(body.get("error"), dict) else body.get("code")


@providers
async def test_a_poll_is_refused_like_one_for_a_task_that_is_not_there(stage: House, provider: str) -> None:
    path = f"/{provider}{POLLS[provider].format('task_that_is_not_there')}"
    real, got = await get(stage, path), await get(stage, path, "http/status;status=404")
    assert got.status == 404
    assert code_of(got.body) == code_of(real.body)
    in_its_shape(provider, got.body)


async def test_a_status_may_say_when_to_come_again(stage: House) -> None:
    got = await make(stage, "midsync", "http/status;status=503;retry_after=9")
    assert (got.headers["Retry-After"], got.headers["Retry-After-Ms"]) == ("9", "9000")


@providers
async def test_a_call_too_many_is_refused_in_the_providers_words(stage: House, provider: str) -> None:
    await stage.admin().register(provider, key=stage.key, limits={"requests_per_minute": 1})
    first, real = await make(stage, provider), await make(stage, provider)
    assert (first.status, real.status) == (200, 429)
    fault = f"http/rate-limited;retry_after={real.headers['Retry-After']}"
    told = await make(stage, provider, fault)
    assert told.headers.get(APPLIED) is None  # the limit itself was first
    await stage.admin().advance(seconds=60)
    got = await make(stage, provider, fault)
    assert (got.status, got.headers[APPLIED]) == (429, "http/rate-limited")
    assert got.body == real.body
    assert got.headers["Retry-After"] == real.headers["Retry-After"]
    await done(stage, provider)


@providers
@pytest.mark.parametrize(("given", "wait"), [("", 1), (";retry_after=7", 7), (";retry_after=null", None)])
async def test_a_429_says_when_to_come_again_or_does_not(
    stage: House, provider: str, given: str, wait: int | None
) -> None:
    got = await make(stage, provider, f"http/rate-limited{given}")
    assert got.status == 429
    in_its_shape(provider, got.body)
    told = [got.headers.get(name) for name in ("Retry-After", "Retry-After-Ms")]
    assert told == ([None, None] if wait is None else [str(wait), str(wait * 1000)])
    await done(stage, provider, 0)


@providers
@pytest.mark.parametrize("how", ["cut", "comma", "twice"])
async def test_an_answer_is_no_json_though_all_was_done(stage: House, provider: str, how: str) -> None:
    got = await make(stage, provider, f"http/malformed-json;how={how}")
    assert (got.status, got.type, got.headers[APPLIED]) == (200, "application/json", "http/malformed-json")
    assert int(got.headers["Content-Length"]) == len(got.raw) > 1
    with pytest.raises(json.JSONDecodeError):
        _ = got.body
    await done(stage, provider)


async def test_a_document_that_is_no_json_is_not_malformed(stage: House) -> None:
    whole = await get(stage, "/apikeyorg/llms.txt")
    for fault in ("http/malformed-json", "http/unknown-field", "http/missing-field"):
        got = await get(stage, "/apikeyorg/llms.txt", fault)
        assert (got.status, got.raw) == (200, whole.raw)


@providers
async def test_an_answer_comes_under_a_wrong_content_type(stage: House, provider: str) -> None:
    path, body = CREATES[provider]
    headers = {"Authorization": f"Bearer {stage.key}", ASKED: "http/wrong-content-type"}
    async with stage.http.post(f"{stage.url}/{provider}{path}", json=body, headers=headers) as reply:
        assert reply.content_type == "text/html"
        with pytest.raises(aiohttp.ContentTypeError):
            await reply.json()
        assert IDS[provider] in await reply.json(content_type=None)
    await done(stage, provider)


async def test_the_wrong_content_type_can_be_chosen_and_says_one_thing(stage: House) -> None:
    got = await make(stage, "midsync", 'http/wrong-content-type;content_type="text/plain; charset=utf-8"')
    assert got.headers["Content-Type"] == "text/plain; charset=utf-8"
    given = {"fault": "http/wrong-content-type", "with": {"content_type": "text/html\r\nX-More: 1"}}
    assert (await stage.admin().call("POST", "/faults", given)).status == 400


@providers
async def test_an_answer_has_a_field_more(stage: House, provider: str) -> None:
    task_id = (await make(stage, provider)).body[IDS[provider]]
    path = f"/{provider}{POLLS[provider].format(task_id)}"
    plain, got = await get(stage, path), await get(stage, path, "http/unknown-field")
    assert got.body == {**plain.body, "new_in_this_release": "on"}
    assert list(got.body)[-1] == "new_in_this_release"


@pytest.mark.parametrize(
    ("written", "value"), [("5", 5), ("null", None), ('"a, b"', "a, b"), ("[1]", [1]), ("text", "text")]
)
async def test_the_field_more_has_a_name_and_a_value(stage: House, written: str, value: Any) -> None:
    got = await make(stage, "midsync", f"http/unknown-field;name=extra;value={written}")
    assert got.body["extra"] == value


async def test_a_field_more_goes_into_every_item_of_a_list(stage: House) -> None:
    got = await get(stage, "/apikeyorg/v1/models", "http/unknown-field;name=data.tier;value=gold")
    assert {model["tier"] for model in got.body["data"]} == {"gold"}
    again = await get(stage, "/apikeyorg/v1/models")
    assert not any("tier" in model for model in again.body["data"])


@providers
async def test_a_create_answer_lacks_the_tasks_id_and_a_poll_its_status(stage: House, provider: str) -> None:
    got = await make(stage, provider, "http/missing-field")
    assert (got.status, got.headers[APPLIED]) == (200, "http/missing-field")
    assert IDS[provider] not in got.body
    (task,) = await stage.admin().tasks()
    path = f"/{provider}{POLLS[provider].format(task['id'])}"
    whole, less = await get(stage, path), await get(stage, path, "http/missing-field")
    assert {**less.body, "status": whole.body["status"]} == whole.body
    assert "status" not in less.body
    await done(stage, provider)


CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("path", "given", "lacks"),
    [
        ("/midsync/unified-video/quote", CREATES["midsync"][1], "pointsCharged"),
        ("/apikeyorg/v1/credits/estimate", CREATES["apikeyorg"][1], "credits"),
        ("/apikeyorg/v1/chat/completions", CHAT, "choices"),
        ("/apikeyorg/v1/embeddings", {"model": "text-embedding-3-small", "input": "hi"}, "data"),
        ("/apikeyorg/v1/videos", {}, "error"),
        ("/v2gateway/v2/videos/generations", {}, "code"),
    ],
)
async def test_what_is_missing_is_what_a_client_looks_for(
    stage: House, path: str, given: Mapping[str, Any], lacks: str
) -> None:
    whole = await get(stage, path, method="POST", json=given)
    less = await get(stage, path, "http/missing-field", method="POST", json=given)
    assert whole.status == less.status
    assert set(whole.body) - set(less.body) == {lacks}


async def test_the_missing_field_can_be_named_by_its_path(stage: House) -> None:
    chat = "/apikeyorg/v1/chat/completions"
    got = await get(stage, chat, "http/missing-field;field=choices.message.content", method="POST", json=CHAT)
    assert set(got.body["choices"][0]["message"]) >= {"role"}
    assert "content" not in got.body["choices"][0]["message"]
    for nothing in ("choices.nothing", "nothing", "model.id", "choices.message.content.text"):
        fault = f"http/missing-field;field={nothing}"
        assert "content" in (await get(stage, chat, fault, method="POST", json=CHAT)).body["choices"][0]["message"]


async def test_what_a_fault_takes_out_is_there_in_the_next_answer(stage: House) -> None:
    for path in ("/apikeyorg/v1/models", "/midsync/unified-video/models", "/revidapi/v1/models"):
        whole = await get(stage, path)
        assert (await get(stage, path, "http/missing-field")).body != whole.body
        assert (await get(stage, path)).body == whole.body


@providers
@pytest.mark.parametrize(("given", "title"), [("", "502 Bad Gateway"), (";status=503", None), (";status=520", None)])
async def test_a_proxys_page_comes_in_place_of_an_answer(
    stage: House, provider: str, given: str, title: str | None
) -> None:
    got = await make(stage, provider, f"http/html-error{given}")
    assert got.status == int((title or given[-3:])[:3])
    assert (got.type, got.headers[APPLIED]) == ("text/html", "http/html-error")
    assert f"<title>{title or got.status}".encode() in got.raw
    await done(stage, provider, 0)


@providers
@pytest.mark.parametrize("status", [307, 308])
async def test_a_create_that_is_sent_on_is_carried_out_once(stage: House, provider: str, status: int) -> None:
    got = await make(stage, provider, f"http/redirect;status={status}", allow_redirects=False)
    assert (got.status, got.headers[APPLIED]) == (status, "http/redirect")
    path = CREATES[provider][0]
    assert got.headers["Location"] == f"/{provider}{path}?soundstage_redirected=1"
    await done(stage, provider, 0)
    followed = await make(stage, provider, f"http/redirect;status={status}")
    assert (followed.status, IDS[provider] in followed.body) == (200, True)
    await done(stage, provider)


@providers
@pytest.mark.parametrize("status", [301, 302])
async def test_a_post_that_was_moved_comes_back_as_a_get(stage: House, provider: str, status: int) -> None:
    got = await make(stage, provider, f"http/redirect;status={status}")
    assert got.status == 405
    in_its_shape(provider, got.body)
    await done(stage, provider, 0)


@providers
async def test_a_poll_that_is_sent_on_asks_for_the_same_task(stage: House, provider: str) -> None:
    task_id = (await make(stage, provider)).body[IDS[provider]]
    path = f"/{provider}{POLLS[provider].format(task_id)}"
    assert (await get(stage, path, "http/redirect")).body == (await get(stage, path)).body


async def test_a_query_is_sent_on_with_its_values(stage: House) -> None:
    path = "/midsync/v1/usage/logs?page=2&limit=5"
    got = await get(stage, path, "http/redirect", allow_redirects=False)
    assert got.headers["Location"] == "/midsync/v1/usage/logs?page=2&limit=5&soundstage_redirected=1"
    assert (await get(stage, path, "http/redirect")).body["pagination"]["page"] == 2


@pytest.mark.parametrize("name", ["api_key", "API_KEY", "apikey", "key", "token"])
async def test_a_key_in_a_query_is_not_sent_on(stage: House, name: str) -> None:
    path = f"/midsync/v1/usage/logs?{name}=sk_test_somebody&page=2"
    got = await get(stage, path, "http/redirect", allow_redirects=False)
    assert got.headers["Location"] == "/midsync/v1/usage/logs?page=2&soundstage_redirected=1"


@pytest.mark.parametrize("place", ["http://LOCALHOST:9", "https://127.0.0.2:65535/a?b#c", "http://[::1]:80/", "/?a=@"])
async def test_every_address_of_this_machine_will_do(stage: House, place: str) -> None:
    given = {"fault": "http/redirect", "with": {"location": place}}
    assert (await stage.admin().call("POST", "/faults", given)).status == 201
    got = await get(stage, "/midsync/unified-video/models", allow_redirects=False)
    assert (got.status, got.headers["Location"]) == (307, place)


async def test_a_call_can_be_sent_elsewhere_on_this_machine_and_nowhere_else(stage: House) -> None:
    for here in ("/health", f"{stage.url}/health"):
        assert (await get(stage, "/midsync/unified-video/models", f"http/redirect;location={here}")).body == {
            "status": "ok"
        }
    for place in (
        "http://example.com/",
        "https://127.0.0.1.example.com/",
        "//example.com/",
        "/\\example.com",
        "http://127.0.0.1@example.com/",
        "http://10.0.0.1/",
        "ftp://localhost/",
        "elsewhere",
        "http://[::1",
        "/a b",
        "",
        "http://evil.com\\@127.0.0.1/",
        "http://127.0.0.1\\@evil.com/",
        "http://evil.com;@localhost",
        "http://user:pw@127.0.0.1/",
        "http://localhost:pw@example.com/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:/",
        "http://127.0.0.1:+80/",
        "http://localhost?@example.com/",
        "http://localhost#@example.com/",
        "http:/localhost/",
        "http:localhost",
        "http:///localhost/",
        "http://local\thost/",
        "http://localhost/\r\nSet-Cookie:a=b",
        "http://[127.0.0.1]:80:80/",
        "/a\\b",
        "/a\n",
    ):
        given = {"fault": "http/redirect", "with": {"location": place}}
        answer = await stage.admin().call("POST", "/faults", given)
        assert answer.status == 400, place


async def test_faults_of_content_add_up_and_the_strongest_is_last(stage: House) -> None:
    both = "http/missing-field;field=status, http/unknown-field;name=extra"
    got = await make(stage, "midsync", both)
    assert ("status" in got.body, got.body["extra"]) == (False, "on")
    assert got.headers[APPLIED] == "http/missing-field, http/unknown-field"
    broken = await make(stage, "midsync", "http/unknown-field, http/malformed-json, http/wrong-content-type")
    assert broken.type == "text/html"
    assert b"new_in_this_release" not in broken.raw  # what is no JSON any more gets no field
    with pytest.raises(json.JSONDecodeError):
        _ = broken.body
    named = await make(stage, "midsync", "http/malformed-json;how=comma, http/unknown-field;name=extra")
    assert b'"extra":"on",}' in named.raw


async def test_what_stands_behind_a_refusal_neither_counts_nor_acts_nor_is_named(stage: House) -> None:
    one = side(stage, "midsync")
    for fault, when in (
        ("http/unknown-field", {"nth": 1}),
        ("transport/latency", {"first": 1}),
        ("http/html-error", {"times": 1}),
        ("http/missing-field", {"probability": 1}),
    ):
        await one.rule(fault, when, **({"ms": 1} if fault == "transport/latency" else {}))
    refused = await one.create("http/status;status=500, http/wrong-content-type")
    assert (refused.status, refused.headers[APPLIED]) == (500, "http/status")
    assert [rule["matched"] for rule in (await one.admin.get("/faults"))["rules"]] == [0, 0, 0, 0]
    # The page stands in front of the latency and of the field: of the rules, only those in front of it are asked.
    page = await one.create()
    assert (page.status, page.headers[APPLIED]) == (502, "http/html-error")
    counted = {rule["fault"]: (rule["matched"], rule["applied"]) for rule in (await one.admin.get("/faults"))["rules"]}
    assert counted == {
        "http/missing-field": (1, 1),
        "http/html-error": (1, 1),
        "transport/latency": (0, 0),
        "http/unknown-field": (0, 0),
    }
    whole = await one.create()
    assert set(whole.headers[APPLIED].split(", ")) == {"http/missing-field", "transport/latency", "http/unknown-field"}


async def test_a_refusal_ends_the_list_and_nothing_after_it_is_done(stage: House) -> None:
    got = await make(stage, "midsync", "http/status;status=500, http/html-error, http/rate-limited")
    assert got.status == 500
    assert b"<html>" not in got.raw
    await done(stage, "midsync", 0)


async def test_a_rule_bends_the_second_poll_and_no_other(stage: House) -> None:
    rule = {"fault": "http/malformed-json", "when": {"operation": "poll", "nth": 2}}
    await stage.admin().post("/faults", rule)
    task_id = (await make(stage, "revidapi")).body["job_id"]
    seen = [(await get(stage, f"/revidapi/v1/jobs/{task_id}")).headers.get(APPLIED) for _ in range(3)]
    assert seen == [None, "http/malformed-json", None]
    assert CREATES["revidapi"][0] == IMAGE
    await done(stage, "revidapi")
