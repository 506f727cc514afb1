"""The rest of the OpenAI SDK: embeddings, models, videos, keys, errors and repeats."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import openai
from behaviours import Server, behaviour
from openai.types import CreateEmbeddingResponse, Model
from openai_sdk import CHAT, EMBEDDING, PNG, QUESTION, ask, async_client, client, text_of


def vectors(server: Server, given: Any, **settings: Any) -> list[Any]:
    """Return the vectors of what is given, in order."""
    answer = client(server).embeddings.create(**{"model": EMBEDDING, "input": given, **settings})
    assert [one.index for one in answer.data] == list(range(len(answer.data))), answer.usage
    return [one.embedding for one in answer.data]


def nearness(one: list[float], other: list[float]) -> float:
    """Return the cosine of two vectors of unit length."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def refusal(kind: type[Any], call: Callable[[], object]) -> Any:
    """Return the error of exactly this class that *call* must end with, filled in as an application reads it."""
    error = error_of(call)
    assert type(error) is kind, f"{error!r} instead of {kind.__name__}"
    assert error.message, error.body
    assert error.type, error.body
    assert error.code, error.body
    assert str(error.request_id).startswith("req_"), error.response.headers
    assert set(error.body) <= {"message", "type", "code", "param"}, error.body
    return error


def error_of(call: Callable[[], object]) -> Any:
    """Return the refusal *call* ends with, None when it is not refused."""
    try:
        call()
    except openai.APIStatusError as error:
        return error
    return None


@behaviour
def an_embedding_is_a_vector_of_unit_length(server: Server) -> None:
    """R-KEY-023."""
    (vector,) = vectors(server, "a lighthouse at night")
    assert len(vector) == 1536, len(vector)
    assert abs(math.hypot(*vector) - 1) < 1e-4, math.hypot(*vector)


@behaviour
def an_embedding_has_every_field_the_sdk_requires(server: Server) -> None:
    raw = client(server).embeddings.with_raw_response.create(model=EMBEDDING, input="hello", encoding_format="float")
    read = CreateEmbeddingResponse.model_validate_json(raw.http_response.text, strict=True)
    assert read.usage.prompt_tokens == read.usage.total_tokens > 0, read.usage


@behaviour
def base64_and_float_carry_the_same_numbers(server: Server) -> None:
    (floats,) = vectors(server, "hello", encoding_format="float")
    (packed,) = vectors(server, "hello", encoding_format="base64")
    assert isinstance(packed, str), type(packed)
    read = struct.unpack(f"<{len(floats)}f", base64.b64decode(packed))
    assert all(abs(a - b) < 1e-6 for a, b in zip(read, floats, strict=True))
    assert vectors(server, "hello")[0] == list(read)


@behaviour
def embeddings_have_the_dimensions_asked_for(server: Server) -> None:
    (vector,) = vectors(server, "hello", dimensions=64)
    assert len(vector) == 64, len(vector)
    assert abs(math.hypot(*vector) - 1) < 1e-4, math.hypot(*vector)
    assert len(vectors(server, "hello", model="text-embedding-3-large")[0]) == 3072


@behaviour
def lists_of_texts_and_of_tokens_are_embedded(server: Server) -> None:
    assert len(vectors(server, ["one", "two", "three"])) == 3
    assert len(vectors(server, [15339, 1917])) == 1
    assert len(vectors(server, [[15339, 1917], [9906]])) == 2


@behaviour
def equal_texts_have_equal_vectors_and_like_ones_are_nearer(server: Server) -> None:
    cat, again, kitten, tax = vectors(
        server, ["the black cat sleeps", "the black cat sleeps", "the black cat sleeps now", "quarterly tax return"]
    )
    assert cat == again
    assert nearness(cat, kitten) > nearness(cat, tax), (nearness(cat, kitten), nearness(cat, tax))


@behaviour
def asyncio_clients_get_embeddings(server: Server) -> None:
    async def embed() -> int:
        async with async_client(server) as asking:
            answer = await asking.embeddings.create(model=EMBEDDING, input=["one", "two"])
            return len(answer.data)

    assert asyncio.run(embed()) == 2


@behaviour
def models_are_listed(server: Server) -> None:
    """R-KEY-020."""
    raw = client(server).models.with_raw_response.list()
    listed = {model.id for model in raw.parse()}
    assert {"seedance-2", "seedance-2-fast", CHAT, EMBEDDING} <= listed, listed
    for model in client(server).models.list():
        Model.model_validate(model.to_dict(), strict=True)


@behaviour
def a_video_is_created_and_comes_to_an_end(server: Server) -> None:
    """R-KEY-025, R-KEY-027, R-KEY-042: the SDK sends this as multipart/form-data."""
    video = client(server).videos.create(model="seedance-2-fast", prompt="A cat", seconds="6", size="1280x720")
    assert video.id.startswith("task_"), video
    assert video.status == "pending", video
    until = time.monotonic() + 10
    task: Any = {"status": "pending"}
    while task["status"] in {"pending", "processing"} and time.monotonic() < until:
        task = client(server).get(f"/tasks/{video.id}", cast_to=object)
    assert task["status"] == "completed", task
    with urllib.request.urlopen(task["output_urls"][0], timeout=10) as file:
        assert file.read(1), task


@behaviour
def a_video_is_created_from_a_file(server: Server) -> None:
    file = ("start.png", PNG, "image/png")
    video = client(server).videos.create(model="seedance-2", prompt="A cat", input_reference=file, seconds="4")
    assert video.id.startswith("task_"), video
    assert video.status == "pending", video


@behaviour
def a_key_in_x_api_key_is_as_good_as_a_bearer(server: Server) -> None:
    """R-KEY-002."""

    def asking(key: str) -> Any:
        by = openai.OpenAI(base_url=server.api, api_key="unused", default_headers={"x-api-key": key}, max_retries=0)
        bare = {"Authorization": openai.omit}
        return by.chat.completions.create(model=CHAT, messages=QUESTION, extra_headers=bare)

    assert text_of(asking(server.key))
    refusal(openai.AuthenticationError, lambda: asking(f"{server.key}_revoked"))


@behaviour
def a_revoked_key_is_an_authentication_error(server: Server) -> None:
    asking = client(server, f"{server.key}_revoked")
    error = refusal(openai.AuthenticationError, lambda: asking.embeddings.create(model=EMBEDDING, input="x"))
    assert (error.status_code, error.code) == (401, "invalid_api_key"), error.body


@behaviour
def an_unknown_model_is_not_found(server: Server) -> None:
    error = refusal(openai.NotFoundError, lambda: ask(server, model="gpt-imaginary"))
    assert (error.status_code, error.code) == (404, "model_not_found"), error.body


@behaviour
def an_unknown_task_is_not_found(server: Server) -> None:
    path = "/tasks/task_0123456789abcdef01234567"
    error = refusal(openai.NotFoundError, lambda: client(server).get(path, cast_to=object))
    assert error.code == "task_not_found", error.body


@behaviour
def a_bad_field_is_a_bad_request_that_names_it(server: Server) -> None:
    """R-KEY-070; a field of several types is still called by its own name."""
    wrong: dict[str, dict[str, Any]] = {
        "temperature": {"temperature": 9},
        "stop": {"stop": ["a", "b", "c", "d", "e"]},
        "messages": {"messages": []},
        "messages.0": {"messages": [{"role": "wizard", "content": "x"}]},
        "messages.0.content": {"messages": [{"role": "user", "content": 5}]},
    }
    for name, given in wrong.items():
        error = refusal(openai.BadRequestError, lambda given=given: ask(server, **given))  # type: ignore[misc]
        assert error.type == "invalid_request_error", error.body
        assert error.param == name, (name, error.body)
    error = refusal(openai.BadRequestError, lambda: vectors(server, []))
    assert error.param == "input", error.body


@behaviour
def a_bad_request_is_told_before_a_stream_begins(server: Server) -> None:
    refusal(openai.BadRequestError, lambda: ask(server, temperature=9, stream=True))


@behaviour
def no_credits_is_payment_required(server: Server) -> None:
    """R-KEY-070."""
    asking = client(server, server.register(balance="0"))
    error = refusal(openai.APIStatusError, lambda: asking.chat.completions.create(model=CHAT, messages=QUESTION))
    assert (error.status_code, error.type, error.code) == (402, "gateway_error", "insufficient_credits"), error.body


@behaviour
def a_model_outside_the_keys_limits_is_denied(server: Server) -> None:
    """R-KEY-072."""
    asking = client(server, server.register(models=["gpt-5"]))
    assert text_of(asking.chat.completions.create(model="gpt-5", messages=QUESTION))
    error = refusal(openai.PermissionDeniedError, lambda: asking.chat.completions.create(model=CHAT, messages=QUESTION))
    assert (error.status_code, error.code) == (403, "model_not_allowed"), error.body


@behaviour
def too_many_calls_are_told_when_to_come_back(server: Server) -> None:
    asking = client(server, server.register(limits={"requests_per_minute": 1}))
    asking.embeddings.create(model=EMBEDDING, input="x")
    error = refusal(openai.RateLimitError, lambda: asking.embeddings.create(model=EMBEDDING, input="x"))
    assert int(error.response.headers["retry-after"]) >= 1, error.response.headers
    assert int(error.response.headers["retry-after-ms"]) >= 1, error.response.headers


@behaviour
def the_sdk_repeats_a_call_that_came_too_soon(server: Server) -> None:
    key = server.register(limits={"requests_per_minute": 120})
    asking = openai.OpenAI(base_url=server.api, api_key=key, max_retries=1)
    for _ in range(200):
        raw = asking.embeddings.with_raw_response.create(model=EMBEDDING, input="x", dimensions=1)
        if raw.retries_taken:
            return
    raise AssertionError("200 calls at once were never too many")


@behaviour
def every_answer_has_a_request_id(server: Server) -> None:
    first, second = (client(server).models.with_raw_response.list().headers["x-request-id"] for _ in range(2))
    assert first.startswith("req_"), first
    assert first != second, first


@behaviour
def asyncio_clients_get_the_same_errors(server: Server) -> None:
    async def ask_for_nothing() -> None:
        async with async_client(server) as asking:
            await asking.chat.completions.create(model="gpt-imaginary", messages=QUESTION)

    refusal(openai.NotFoundError, lambda: asyncio.run(ask_for_nothing()))
