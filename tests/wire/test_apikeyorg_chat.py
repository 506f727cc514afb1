"""API-Key's chat completions, whole: what is answered, refused and charged (R-KEY-022, R-KEY-072)."""

from __future__ import annotations

import asyncio
import io
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import pytest

from soundstage.providers.apikeyorg.provider import PROVIDER
from soundstage.resources import read_yaml, schema_root
from support import judge
from support.client import PROMPT, Answer, Gateway, House

MODELS: Mapping[str, Any] = {
    name: given
    for name, given in read_yaml(schema_root() / "apikeyorg" / "catalogue.yaml")["models"].items()
    if given["category"] == "chat"
}
PATH = "/v1/chat/completions"
BASE: Mapping[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}]}
PNG = "data:image/png;base64,iVBORw0KGgo="


def tokens(text: str) -> int:
    """Return what a text counts for: a token for every four characters begun."""
    return math.ceil(len(text) / 4)


def text_of(answer: Answer, index: int = 0) -> str:
    """Return the words of a choice."""
    return str(answer["choices"][index]["message"]["content"])


def cost(usage: Mapping[str, int], model: str) -> Decimal:
    """Return what a usage costs by the catalogue."""
    price = MODELS[model]["price"]
    read, written = usage["prompt_tokens"], usage["completion_tokens"]
    return (read * Decimal(price["input"]) + written * Decimal(price["output"])) / 1000


async def ask(house: House, *messages: Mapping[str, Any], **fields: Any) -> Answer:
    """Ask with whole messages."""
    answer = await house.gateway().post(PATH, {**BASE, "messages": list(messages), **fields})
    assert answer.status == 200, answer.raw
    return answer


async def registered(house: House, key: str, **settings: Any) -> Gateway:
    """Register a key and return its client."""
    await house.anybody().ok("POST", "/keys", {"provider": "apikeyorg", "key": key, **settings})
    return house.gateway(key)


async def balance(house: House, key: str) -> Decimal:
    """Return what a registered key can still spend."""
    rows = (await house.anybody().get("/keys"))["keys"]
    return next(Decimal(row["balance"]) for row in rows if row["key"] == f"{key[:7]}…{key[-4:]}")


async def untouched(house: House) -> None:
    """Assert that nothing was charged."""
    wallet = await house.admin().wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await house.admin().sound()


async def test_r_key_022_a_question_is_answered_in_openais_form(stage: House) -> None:
    answer = await stage.gateway().chat()
    body = answer.body
    assert body.keys() == {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
    assert body["id"].startswith("chatcmpl-")
    assert (body["object"], body["model"], body["created"]) == ("chat.completion", "gpt-5-mini", 1_767_225_600)
    (choice,) = body["choices"]
    assert choice.keys() == {"index", "message", "logprobs", "finish_reason"}
    assert choice["message"].keys() == {"role", "content", "refusal"}
    assert (choice["index"], choice["logprobs"], choice["finish_reason"]) == (0, None, "stop")
    assert (choice["message"]["role"], choice["message"]["refusal"]) == ("assistant", None)
    assert len(text_of(answer)) > 20
    assert answer.headers["x-request-id"].removeprefix("req_").isdigit()


async def test_the_same_question_has_the_same_answer_and_another_id(stage: House) -> None:
    answers = [await stage.gateway().chat() for _ in range(3)]
    assert len({text_of(one) for one in answers}) == 1
    assert len({one["id"] for one in answers}) == 3
    assert text_of(await stage.gateway().chat(PROMPT + "!")) != text_of(answers[0])
    await stage.admin().ok("POST", "/reset", {"what": "state"})
    again = await stage.gateway().chat()
    assert (again["id"], text_of(again)) == (answers[0]["id"], text_of(answers[0]))


async def test_fields_without_effect_change_nothing(stage: House) -> None:
    idle: dict[str, Any] = {
        "temperature": 0.3, "top_p": 1, "presence_penalty": -2, "frequency_penalty": 2.0, "user": "me", "store": True,
        "logit_bias": {"50256": -100}, "logprobs": True, "top_logprobs": 5, "metadata": {"a": "b"}, "verbosity": "low",
        "reasoning_effort": "high", "service_tier": "auto", "parallel_tool_calls": False,
    }  # fmt: skip
    plain = await stage.gateway().chat()
    for name, value in idle.items():
        answer = await stage.gateway().chat(**{name: value})
        assert text_of(answer) == text_of(plain), name
        assert answer["choices"][0]["logprobs"] is None
        assert "X-Soundstage-Warning" not in answer.headers


@pytest.mark.parametrize("seed", [0, 1, -5, 2**40])
async def test_a_seed_has_no_effect(stage: House, seed: int) -> None:
    """The document says so of `seed`."""
    assert text_of(await stage.gateway().chat(seed=seed)) == text_of(await stage.gateway().chat())


async def test_null_means_left_out(stage: House) -> None:
    plain = (await stage.gateway().chat()).body
    fields = judge.of("apikeyorg").document["components"]["schemas"]["ChatRequest"]["properties"]
    for name in fields.keys() - {"model", "messages"}:
        given: dict[str, Any] = {name: None}
        assert (await stage.gateway().chat(**given))["choices"] == plain["choices"], name


async def test_tokens_are_counted_by_the_documented_rule(stage: House) -> None:
    """Four characters a token; 4 a message, 2 for the reply, 85 or 765 a picture, the tools as JSON."""
    parts = [
        {"type": "text", "text": "x" * 9},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": PNG}},
    ]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "x" * 5},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"a":1}'}}]},
        {"role": "tool", "tool_call_id": "c", "content": ""},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "look_up"}}]
    answer = await ask(stage, *messages, tools=tools)
    usage = answer["usage"]
    assert usage["prompt_tokens"] == 2 + 4 * 4 + 2 + (3 + 85 + 765) + (2 + 2) + 0 + tokens(orjson.dumps(tools).decode())
    assert usage["completion_tokens"] == tokens(text_of(answer))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("detail", [None, "auto", "high", "low"])
@pytest.mark.parametrize("url", ["https://example.com/a.png", "http://example.com/a.png", PNG])
async def test_pictures_are_taken_by_address_and_as_data(stage: House, url: str, detail: str | None) -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": detail}},
    ]
    answer = await ask(stage, {"role": "user", "content": content})
    assert answer["usage"]["prompt_tokens"] == 2 + 4 + 4 + (85 if detail == "low" else 765)
    assert "What is this?" in text_of(answer)


@pytest.mark.parametrize("n", [1, 2, 8])
async def test_n_answers_are_told_apart_and_paid_for_one_by_one(stage: House, n: int) -> None:
    answer = await stage.gateway().chat(n=n)
    texts = [text_of(answer, index) for index in range(n)]
    assert [choice["index"] for choice in answer["choices"]] == list(range(n))
    assert len(set(texts)) == n
    assert texts[0] == text_of(await stage.gateway().chat())
    assert answer["usage"]["completion_tokens"] == sum(map(tokens, texts))


@pytest.mark.parametrize("as_list", [False, True])
async def test_an_answer_ends_before_the_first_stop(stage: House, as_list: bool) -> None:
    whole = text_of(await stage.gateway().chat())
    word = whole.split()[4]
    answer = await stage.gateway().chat(stop=["no such text", word] if as_list else word)
    assert text_of(answer) == whole[: whole.index(word)]
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == tokens(text_of(answer))
    assert text_of(await stage.gateway().chat(stop=["no such text"])) == whole
    assert text_of(await stage.gateway().chat(stop=[])) == whole
    assert text_of(await stage.gateway().chat(stop=whole[0])) == ""


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_limit_cuts_the_same_words_off(stage: House, name: str) -> None:
    whole = await stage.gateway().chat()
    count = whole["usage"]["completion_tokens"]
    for most in (1, 2, count - 1, count, count + 1, 10**12):
        given: dict[str, Any] = {name: most}
        answer = await stage.gateway().chat(**given)
        assert text_of(answer) == text_of(whole)[: 4 * most]
        assert answer["choices"][0]["finish_reason"] == ("length" if most < count else "stop")
        assert answer["usage"]["completion_tokens"] == min(most, count)


async def test_the_newer_name_of_the_limit_wins(stage: House) -> None:
    answer = await stage.gateway().chat(max_tokens=50, max_completion_tokens=1)
    assert answer["usage"]["completion_tokens"] == 1


async def test_every_documented_role_and_part_is_taken(stage: House) -> None:
    """What the document's own schema allows, the server takes."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    text, empty = {"type": "text", "text": "hi"}, {"role": "user", "content": ""}
    conversations: list[list[dict[str, Any]]] = [
        [empty],
        [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi", "name": "ann"}],
        [{"role": "developer", "content": [text]}, {"role": "user", "content": [text, text]}],
        [empty, {"role": "assistant", "content": "hi"}],
        [empty, {"role": "assistant", "content": [text, {"type": "refusal", "refusal": "no"}], "refusal": None}],
        [empty, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": [text]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]}],
        [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}],
    ]
    for messages in conversations:
        judge.of("apikeyorg").check_schema("ChatRequest", {**BASE, "messages": messages})
        assert text_of(await ask(stage, *messages))


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "🌧️" * 50, "\u202e\u200b", '"; DROP TABLE', "a" * 100_000, "\n" * 500, "{{7*7}} %s %d {0}"]
)
async def test_any_text_is_answered(stage: House, text: str) -> None:
    answer = await stage.gateway().chat(text)
    assert text_of(answer)
    assert len(text_of(answer)) < 2000


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
async def test_usage_times_the_rates_is_what_the_wallet_loses(stage: House, model: str, stream: bool) -> None:
    gateway, admin, paid = stage.gateway(), stage.admin(), Decimal(0)
    asked: list[tuple[str, dict[str, Any]]] = [(PROMPT, {}), ("", {"n": 8}), ("x" * 4001, {"max_tokens": 3})]
    for text, fields in (*asked, (PROMPT, {"stop": "the"})):
        if stream:
            usage = (await gateway.stream(text, model=model, stream_options={"include_usage": True}, **fields))[-1][
                "usage"
            ]
        else:
            usage = (await gateway.chat(text, model=model, **fields))["usage"]
        paid += cost(usage, model)
        wallet = await admin.wallet()
        assert (wallet["spent"], wallet["held"], wallet["available"]) == (paid, Decimal(0), 1000 - paid)
    await admin.sound()


@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_balance_does_not_cover_is_refused_and_not_charged(stage: House, stream: bool) -> None:
    """R-KEY-070; exactly covered is enough."""
    measuring = await registered(stage, "sk_test_measuring", universe="shared")
    price = cost((await measuring.chat())["usage"], "gpt-5-mini")
    gateway = await registered(stage, "sk_test_exactly_enough", universe="shared", balance=str(price))
    for refused_first in ({"n": 2}, {"model": "gpt-5"}):
        refused = await gateway.post(PATH, {**BASE, "stream": stream, **refused_first})
        assert refused.status == 402
        assert refused.body == {
            "error": {"message": "Insufficient credits", "type": "gateway_error", "code": "insufficient_credits"}
        }
    assert await balance(stage, "sk_test_exactly_enough") == price
    assert (await gateway.post(PATH, {**BASE, "stream": stream})).status == 200
    assert await balance(stage, "sk_test_exactly_enough") == 0
    assert (await gateway.post(PATH, {**BASE, "stream": stream})).status == 402
    assert await balance(stage, "sk_test_exactly_enough") == 0
    await stage.admin(universe="shared").sound()


async def test_r_key_072_a_key_asks_only_its_models(stage: House) -> None:
    """R-KEY-004, R-KEY-072."""
    gateway = await registered(stage, "sk_test_narrow", models=["gpt-5-mini", "seedance-2"])
    await gateway.chat()
    before = await stage.admin("sk_test_narrow").balance()
    refused = await gateway.post(PATH, {**BASE, "model": "gpt-5", "stream": True})
    assert (refused.status, refused["error"]["type"], refused["error"]["code"]) == (
        403, "permission_error", "model_not_allowed",
    )  # fmt: skip
    assert await stage.admin("sk_test_narrow").balance() == before


@pytest.mark.parametrize("model", MODELS)
async def test_the_context_takes_just_what_the_model_list_says(stage: House, model: str) -> None:
    entry = next(one for one in (await stage.gateway().get("/v1/models"))["data"] if one["id"] == model)
    most = entry["parameters"]["context_tokens"]
    assert most == MODELS[model]["context_tokens"]
    refused = await stage.gateway().post(PATH, {**BASE, "model": model, "messages": filled(most + 1)})
    assert (refused.status, refused["error"]["code"]) == (400, "invalid_request")
    assert "at most" in refused["error"]["message"]
    await untouched(stage)
    answer = await ask(stage, *filled(most), model=model)
    assert answer["usage"]["prompt_tokens"] == most


@pytest.mark.parametrize("megabytes", [2, 6])
async def test_a_picture_of_some_megabytes_is_taken(stage: House, megabytes: int) -> None:
    url = "data:image/png;base64," + "A" * (megabytes * 1_000_000)
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    answer = await stage.gateway().call("POST", PATH, data=io.BytesIO(orjson.dumps({**BASE, "messages": [message]})))
    assert answer.status == 200, answer.raw
    assert answer["usage"]["prompt_tokens"] == 2 + 4 + 765


async def test_a_body_over_its_limit_is_too_large(stage: House) -> None:
    limit = next(one.most_bytes for one in PROVIDER.operations if one.path == PATH)
    body = json.dumps(dict(BASE)).encode()
    assert (await stage.gateway().call("POST", PATH, data=io.BytesIO(body.ljust(limit)))).status == 200
    refused = await stage.gateway().call("POST", PATH, data=io.BytesIO(body.ljust(limit + 1)))
    assert (refused.status, refused["error"]["code"]) == (413, "payload_too_large")
    assert str(limit) in refused["error"]["message"]


async def test_many_who_ask_at_once_pay_for_just_what_they_get(stage: House) -> None:
    """A balance for seven answers gives seven answers, however many are asked for at the same moment."""
    measuring = await registered(stage, "sk_test_measuring", universe="shared")
    price = cost((await measuring.chat())["usage"], "gpt-5-mini")
    gateway = await registered(stage, "sk_test_exactly_enough", universe="shared", balance=str(7 * price))
    asked = [gateway.post(PATH, {**BASE, "stream": number % 2 == 0}) for number in range(20)]
    statuses = [answer.status for answer in await asyncio.gather(*asked)]
    assert sorted(statuses) == [200] * 7 + [402] * 13
    assert await balance(stage, "sk_test_exactly_enough") == 0
    await stage.admin(universe="shared").sound()


def filled(count: int) -> list[dict[str, Any]]:
    """Return messages of exactly this many tokens."""
    return [{"role": "user", "content": "x" * 4 * (count - 4 - 2)}]


async def test_a_message_counts_its_calls_in_the_usage_listed_for_the_key(stage: House) -> None:
    made = await stage.anybody().ok("POST", "/keys", {"provider": "apikeyorg", "key": "sk_test_listed"})
    answers = [await stage.gateway("sk_test_listed").chat() for _ in range(3)]
    used = await stage.admin("sk_test_listed").get(f"/keys/{made['id']}/usage")
    total = sum(answer["usage"]["total_tokens"] for answer in answers)
    assert (used["calls"], used["models"]["gpt-5-mini"]["tokens"]) == (3, total)
    assert Decimal(used["charged"]) == sum(cost(answer["usage"], "gpt-5-mini") for answer in answers)
