"""API-Key's embeddings: unit vectors, the same for the same text, near for like texts, paid by token (R-KEY-023)."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from soundstage.resources import read_yaml, schema_root
from support import judge
from support.client import PROMPT, Answer, House

MODELS: Mapping[str, Any] = {
    name: given
    for name, given in read_yaml(schema_root() / "apikeyorg" / "catalogue.yaml")["models"].items()
    if given["category"] == "embedding"
}
SMALL = "text-embedding-3-small"
GIVEN: Mapping[str, Any] = {"model": SMALL, "input": PROMPT, "dimensions": 8}


def vectors(answer: Answer) -> list[Any]:
    """Return the vectors of a reply."""
    return [one["embedding"] for one in answer["data"]]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how near two unit vectors are."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def tokens(text: str) -> int:
    """Return what a text counts for: a token for every four characters begun."""
    return math.ceil(len(text) / 4)


async def untouched(house: House) -> None:
    """Assert that nothing was charged."""
    wallet = await house.admin().wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await house.admin().sound()


@pytest.mark.parametrize("model", MODELS)
async def test_r_key_023_a_text_becomes_one_vector_of_length_one(stage: House, model: str) -> None:
    answer = await stage.gateway().embed(PROMPT, model=model)
    body = answer.body
    assert body.keys() == {"object", "data", "model", "usage"}
    assert (body["object"], body["model"]) == ("list", model)
    (one,) = body["data"]
    assert (one["object"], one["index"]) == ("embedding", 0)
    assert len(one["embedding"]) == MODELS[model]["dimensions"]
    assert math.isclose(math.hypot(*one["embedding"]), 1, abs_tol=1e-6)
    assert body["usage"] == {"prompt_tokens": tokens(PROMPT), "total_tokens": tokens(PROMPT)}


@pytest.mark.parametrize("dimensions", [1, 2, 3, 255, 1536, None])
async def test_base64_holds_the_same_numbers_as_floats(stage: House, dimensions: int | None) -> None:
    """Little-endian 32-bit floats, which OpenAI's clients ask for unless told otherwise."""
    texts = [PROMPT, "rain", "🌧️"]
    plain = vectors(await stage.gateway().embed(texts, dimensions=dimensions, encoding_format="float"))
    packed = vectors(await stage.gateway().embed(texts, dimensions=dimensions, encoding_format="base64"))
    size = dimensions or 1536
    for floats, text in zip(plain, packed, strict=True):
        assert isinstance(text, str)
        assert list(struct.unpack(f"<{size}f", base64.b64decode(text, validate=True))) == floats
        assert math.isclose(math.hypot(*floats), 1, abs_tol=1e-6)


async def test_floats_are_sent_unless_something_else_is_asked_for(stage: House) -> None:
    for format_ in ({}, {"encoding_format": None}, {"encoding_format": "float"}):
        answer = await stage.gateway().embed(PROMPT, dimensions=4, **format_)
        assert all(isinstance(number, float) for number in vectors(answer)[0])


async def test_several_texts_come_back_in_their_order(stage: House) -> None:
    texts = ["one", "two", "three", "two"]
    answer = await stage.gateway().embed(texts, dimensions=64)
    assert [one["index"] for one in answer["data"]] == [0, 1, 2, 3]
    alone = [vectors(await stage.gateway().embed(text, dimensions=64))[0] for text in texts]
    assert vectors(answer) == alone
    assert answer["usage"]["total_tokens"] == sum(map(tokens, texts))


async def test_equal_texts_have_equal_vectors_for_every_key_and_at_every_time(stage: House) -> None:
    first = vectors(await stage.gateway().embed(PROMPT, dimensions=32))
    await stage.admin().advance(seconds=3600)
    assert vectors(await stage.gateway().embed(PROMPT, dimensions=32)) == first
    assert vectors(await stage.gateway("sk_test_another").embed(PROMPT, dimensions=32)) == first
    assert vectors(await stage.gateway().embed(PROMPT + " ", dimensions=32)) != first


async def test_like_texts_are_nearer_than_unlike_ones(stage: House) -> None:
    texts = [
        "How do I reset my password?",
        "I forgot my password, how can I reset it?",
        "The ferry to the island leaves at noon.",
    ]
    for model in MODELS:
        question, like, unlike = vectors(await stage.gateway().embed(texts, model=model))
        assert cosine(question, like) > 0.5 > cosine(question, unlike)
        assert math.isclose(cosine(question, question), 1, abs_tol=1e-6)


async def test_token_lists_are_texts_too(stage: House) -> None:
    gateway = stage.gateway()
    one = await gateway.embed([101, 2023, 102], dimensions=16)
    assert (len(one["data"]), one["usage"]["prompt_tokens"]) == (1, 3)
    two = await gateway.embed([[101, 2023, 102], [7]], dimensions=16)
    assert (len(two["data"]), two["usage"]["prompt_tokens"]) == (2, 4)
    assert vectors(two)[0] == vectors(one)[0] != vectors(two)[1]


@pytest.mark.parametrize(
    "given",
    ["a", "🌊" * 3, "\n", "the the the", "x" * 4 * 8192, ["a"] * 2048, [1] * 8192, [[1], [2] * 8192], [0], "\u202e\0"],
    ids=["letter", "emoji", "blank", "common", "longest", "most", "tokens", "token lists", "zero", "controls"],
)
async def test_inputs_at_their_limits_are_embedded(stage: House, given: Any) -> None:
    answer = await stage.gateway().embed(given, dimensions=3)
    judge.of("apikeyorg").check_schema("EmbeddingRequest", {**GIVEN, "input": given})
    for vector in vectors(answer):
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-6)


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("no model", {"model": None}, 400, "model"),
    ("unknown model", {"model": "text-embedding-9"}, 404, "model"),
    ("a model for chat", {"model": "gpt-5"}, 400, "model"),
    ("a model for video", {"model": "seedance-2"}, 400, "model"),
    ("a number for the model", {"model": 3}, 400, "model"),
    ("null input", {"input": None}, 400, "input"),
    ("empty input", {"input": ""}, 400, "input"),
    ("no inputs", {"input": []}, 400, "input"),
    ("an empty input among others", {"input": ["a", ""]}, 400, "input.1"),
    ("an empty token list", {"input": [[]]}, 400, "input.0"),
    ("a number", {"input": 5}, 400, "input"),
    ("a truth value", {"input": True}, 400, "input"),
    ("an object", {"input": {"text": "a"}}, 400, "input"),
    ("mixed", {"input": [1, "a"]}, 400, "input.0"),
    ("mixed lists", {"input": [[1], ["a"]]}, 400, "input.1.0"),
    ("a negative token", {"input": [-1]}, 400, "input.0"),
    ("half a token", {"input": [1.5]}, 400, "input.0"),
    ("a truth value among tokens", {"input": [True]}, 400, "input.0"),
    ("nested too deep", {"input": [[[1]]]}, 400, "input.0.0"),
    ("too many inputs", {"input": ["a"] * 2049}, 400, "input"),
    ("a long text", {"input": "x" * (4 * 8192 + 1)}, 400, "input"),
    ("a long text among others", {"input": ["a", "x" * (4 * 8192 + 1)]}, 400, "input"),
    ("many tokens", {"input": [1] * 8193}, 400, "input"),
    ("no dimension", {"dimensions": 0}, 400, "dimensions"),
    ("a dimension too many", {"dimensions": 1537}, 400, "dimensions"),
    ("a dimension too many of many", {"model": "text-embedding-3-large", "dimensions": 3073}, 400, "dimensions"),
    ("dimensions in text", {"dimensions": "8"}, 400, "dimensions"),
    ("another encoding", {"encoding_format": "hex"}, 400, "encoding_format"),
    ("a number for the user", {"user": 5}, 400, "user"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "fields", "status", "param"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_a_bad_request_is_refused_and_nothing_is_charged(
    stage: House, why: str, fields: dict[str, Any], status: int, param: str
) -> None:
    answer = await stage.gateway().post("/v1/embeddings", {**GIVEN, **fields})
    assert answer.status == status, answer.raw
    assert answer["error"]["code"] == ("invalid_request" if status == 400 else "model_not_found")
    assert len(answer["error"]["message"]) < 500
    await untouched(stage)


@pytest.mark.parametrize(("why", "fields", "status", "param"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_a_refusal_names_the_field_as_the_client_wrote_it(
    stage: House, why: str, fields: dict[str, Any], status: int, param: str
) -> None:
    """`param` is `input` or a place inside it, and no word of the simulator's own code."""
    error = (await stage.gateway().post("/v1/embeddings", {**GIVEN, **fields}))["error"]
    assert error["param"] in {param, param.partition(".")[0]}
    assert "constrained" not in error["message"]


async def test_an_empty_or_mixed_input_is_not_told_to_be_a_string(stage: House) -> None:
    """A list is allowed, so the message must not say that it is not."""
    for given in ([], ["a", ""], [1, "a"], ["a"] * 2049):
        error = (await stage.gateway().post("/v1/embeddings", {**GIVEN, "input": given}))["error"]
        assert "must be a string, got [" not in error["message"]


async def test_unknown_fields_are_named_in_a_warning(stage: House) -> None:
    """A-KEY-18: max_credits and callback_url belong to tasks."""
    answer = await stage.gateway().embed(PROMPT, dimensions=2, max_credits=0, callback_url="https://example.com/x")
    assert answer.headers["X-Soundstage-Warning"] == "ignored fields: callback_url, max_credits"
    assert "X-Soundstage-Warning" not in (await stage.gateway().embed(PROMPT, dimensions=2, user="me")).headers


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("given", [PROMPT, ["a", "b" * 9], [1, 2, 3, 4, 5], [[1], [2, 3]], "x" * 32_768])
async def test_tokens_times_the_rate_is_what_the_wallet_loses(stage: House, model: str, given: Any) -> None:
    admin = stage.admin()
    answer = await stage.gateway().embed(given, model=model, dimensions=2)
    cost = answer["usage"]["prompt_tokens"] * Decimal(MODELS[model]["price"]["input"]) / 1000
    wallet = await admin.wallet()
    assert (wallet["available"], wallet["spent"], wallet["held"]) == (1000 - cost, cost, Decimal(0))
    await admin.sound()


async def test_what_the_balance_does_not_cover_is_refused_and_not_charged(stage: House) -> None:
    """R-KEY-070: 402, the documented body; exactly covered is enough."""
    cost = tokens(PROMPT) * Decimal("0.01") / 1000
    await stage.anybody().ok("POST", "/keys", {"provider": "apikeyorg", "key": "sk_test_exact", "balance": str(cost)})
    gateway, admin = stage.gateway("sk_test_exact"), stage.admin("sk_test_exact")
    assert (await gateway.post("/v1/embeddings", {**GIVEN, "input": PROMPT + "longer"})).status == 402
    assert await admin.balance() == cost
    assert (await gateway.post("/v1/embeddings", GIVEN)).status == 200
    assert await admin.balance() == 0
    refused = await gateway.post("/v1/embeddings", GIVEN)
    assert refused.status == 402
    assert refused.body == {
        "error": {"message": "Insufficient credits", "type": "gateway_error", "code": "insufficient_credits"}
    }
    assert (await admin.wallet())["spent"] == cost
    await admin.sound()


async def test_r_key_072_a_key_embeds_only_with_its_models(stage: House) -> None:
    """R-KEY-004, R-KEY-072."""
    given = {"provider": "apikeyorg", "key": "sk_test_narrow", "models": [SMALL]}
    await stage.anybody().ok("POST", "/keys", given)
    gateway = stage.gateway("sk_test_narrow")
    assert (await gateway.post("/v1/embeddings", GIVEN)).status == 200
    refused = await gateway.post("/v1/embeddings", {**GIVEN, "model": "text-embedding-3-large"})
    assert (refused.status, refused["error"]["type"], refused["error"]["code"]) == (
        403, "permission_error", "model_not_allowed",
    )  # fmt: skip


async def test_a_use_is_listed_with_its_tokens(stage: House) -> None:
    made = await stage.anybody().ok("POST", "/keys", {"provider": "apikeyorg", "key": "sk_test_listed"})
    for _ in range(3):
        await stage.gateway("sk_test_listed").embed(PROMPT, dimensions=2)
    used = await stage.admin("sk_test_listed").get(f"/keys/{made['id']}/usage")
    count = 3 * tokens(PROMPT)
    assert used["models"] == {SMALL: {"calls": 3, "charged": str(count * Decimal("0.00001")), "tokens": count}}
