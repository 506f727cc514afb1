"""API-Key's chat completions: what is refused, in words that name the fault, and that it costs nothing (R-KEY-022)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support import judge
from support.client import PROMPT, Answer, House

PATH = "/v1/chat/completions"
BASE: Mapping[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}]}
PNG = "data:image/png;base64,iVBORw0KGgo="


async def untouched(house: House) -> None:
    """Assert that nothing was charged."""
    wallet = await house.admin().wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await house.admin().sound()


def message(**fields: Any) -> dict[str, Any]:
    """Return a body with one message of these fields."""
    return {"messages": [fields]}


def picture(**fields: Any) -> dict[str, Any]:
    """Return a body with one picture of these fields."""
    return message(role="user", content=[{"type": "image_url", "image_url": fields}])


TOOL = {"type": "function", "function": {"name": "look_up"}}
CALLED = {"type": "function", "function": {"name": "look_up", "arguments": "{}"}}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("null model", {"model": None}, "model"),
    ("a number for the model", {"model": 5}, "model"),
    ("a list for the model", {"model": ["gpt-5", "gpt-5"]}, "model"),
    ("a model for embeddings", {"model": "text-embedding-3-small"}, "model"),
    ("a model for video", {"model": "seedance-2"}, "model"),
    ("null messages", {"messages": None}, "messages"),
    ("no messages", {"messages": []}, "messages"),
    ("text for messages", {"messages": "hi"}, "messages"),
    ("an object for messages", {"messages": {"role": "user", "content": "hi"}}, "messages"),
    ("text for a message", {"messages": ["hi"]}, "messages.0"),
    ("2049 messages", {"messages": [{"role": "user", "content": ""}] * 2049}, "messages"),
    ("no role", message(content="hi"), "messages.0.role"),
    ("unknown role", message(role="function", content="hi"), "messages.0.role"),
    ("number role", message(role=1, content="hi"), "messages.0.role"),
    ("no content", message(role="user"), "messages.0.content"),
    ("null content", message(role="user", content=None), "messages.0.content"),
    ("number content", message(role="user", content=5), "messages.0.content"),
    ("no parts", message(role="user", content=[]), "messages.0.content"),
    ("text for a part", message(role="user", content=["hi"]), "messages.0.content.0"),
    ("unknown part", message(role="user", content=[{"type": "video_url"}]), "messages.0.content.0.type"),
    ("part without type", message(role="user", content=[{"text": "hi"}]), "messages.0.content.0.type"),
    ("part without text", message(role="user", content=[{"type": "text"}]), "messages.0.content.0.text"),
    ("picture without address", picture(detail="low"), "messages.0.content.0.image_url.url"),
    ("picture from a disk", picture(url="file:///etc/passwd"), "messages.0.content.0.image_url.url"),
    ("picture that is text", picture(url="data:text/html;base64,aGk="), "messages.0.content.0.image_url.url"),
    ("picture not in base64", picture(url="data:image/png,raw"), "messages.0.content.0.image_url.url"),
    ("picture in odd detail", picture(url=PNG, detail="ultra"), "messages.0.content.0.image_url.detail"),
    ("assistant without words", message(role="assistant"), "messages.0"),
    ("assistant with no calls", message(role="assistant", tool_calls=[]), "messages.0"),
    ("a call without id", message(role="assistant", tool_calls=[CALLED]), "messages.0.tool_calls.0.id"),
    ("a tool without call", message(role="tool", content="hi"), "messages.0.tool_call_id"),
    ("a tool that was not called", {"messages": [*BASE["messages"], {
        "role": "tool", "content": "hi", "tool_call_id": "c"}]}, "messages"),
    ("a tool without content", message(role="tool", tool_call_id="c"), "messages.0.content"),
    ("stream in text", {"stream": "yes"}, "stream"),
    ("stream in a number", {"stream": 1}, "stream"),
    ("stream_options alone", {"stream_options": {"include_usage": True}}, "stream_options"),
    ("stream_options in text", {"stream": True, "stream_options": "usage"}, "stream_options"),
    ("include_usage in text", {"stream": True, "stream_options": {"include_usage": "yes"}},
     "stream_options.include_usage"),
    ("n 0", {"n": 0}, "n"),
    ("n 9", {"n": 9}, "n"),
    ("n 1.5", {"n": 1.5}, "n"),
    ("n in text", {"n": "2"}, "n"),
    ("n true", {"n": True}, "n"),
    ("stop empty", {"stop": ""}, "stop"),
    ("stop number", {"stop": 5}, "stop"),
    ("five stops", {"stop": list("abcde")}, "stop"),
    ("a number among stops", {"stop": ["a", 5]}, "stop.1"),
    ("an empty one among stops", {"stop": ["a", ""]}, "stop.1"),
    ("max_tokens 0", {"max_tokens": 0}, "max_tokens"),
    ("max_tokens negative", {"max_tokens": -1}, "max_tokens"),
    ("max_tokens in text", {"max_tokens": "10"}, "max_tokens"),
    ("max_completion_tokens 0", {"max_completion_tokens": 0}, "max_completion_tokens"),
    ("max_completion_tokens half", {"max_completion_tokens": 1.5}, "max_completion_tokens"),
    ("temperature low", {"temperature": -0.1}, "temperature"),
    ("temperature high", {"temperature": 2.1}, "temperature"),
    ("temperature in text", {"temperature": "1"}, "temperature"),
    ("top_p low", {"top_p": -0.1}, "top_p"),
    ("top_p high", {"top_p": 1.1}, "top_p"),
    ("presence_penalty low", {"presence_penalty": -2.1}, "presence_penalty"),
    ("presence_penalty high", {"presence_penalty": 2.1}, "presence_penalty"),
    ("frequency_penalty low", {"frequency_penalty": -2.1}, "frequency_penalty"),
    ("frequency_penalty high", {"frequency_penalty": 2.1}, "frequency_penalty"),
    ("seed half", {"seed": 1.5}, "seed"),
    ("user number", {"user": 5}, "user"),
    ("logit_bias list", {"logit_bias": [1]}, "logit_bias"),
    ("logit_bias text", {"logit_bias": {"1": "a"}}, "logit_bias.1"),
    ("logprobs number", {"logprobs": 5}, "logprobs"),
    ("top_logprobs high", {"top_logprobs": 21}, "top_logprobs"),
    ("metadata list", {"metadata": []}, "metadata"),
    ("metadata number", {"metadata": {"a": 1}}, "metadata.a"),
    ("store text", {"store": "yes"}, "store"),
    ("reasoning_effort number", {"reasoning_effort": 1}, "reasoning_effort"),
    ("a tool in text", {"tools": ["look_up"]}, "tools.0"),
    ("a tool without type", {"tools": [{"function": {"name": "a"}}]}, "tools.0.type"),
    ("a tool of another type", {"tools": [{"type": "web_search"}]}, "tools.0.type"),
    ("a tool without name", {"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
    ("a tool's name with a space", {"tools": [{"type": "function", "function": {"name": "a b"}}]},
     "tools.0.function.name"),
    ("a tool's long name", {"tools": [{"type": "function", "function": {"name": "a" * 65}}]}, "tools.0.function.name"),
    ("a tool whose arguments are a list", {"tools": [{"type": "function", "function": {
        "name": "a", "parameters": {"type": "array"}}}]}, "tools"),
    ("129 tools", {"tools": [TOOL] * 129}, "tools"),
    ("a choice without tools", {"tool_choice": "auto"}, "tool_choice"),
    ("an unknown choice", {"tools": [TOOL], "tool_choice": "any"}, "tool_choice"),
    ("a choice of another tool", {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "b"}}},
     "tool_choice.function.name"),
    ("a choice without a name", {"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice.function"),
    ("a format in text", {"response_format": "json_object"}, "response_format"),
    ("a format without type", {"response_format": {}}, "response_format.type"),
    ("an unknown format", {"response_format": {"type": "xml"}}, "response_format.type"),
    ("a schema that is missing", {"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ("a schema without name", {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
     "response_format.json_schema.name"),
    ("sound without sound", message(role="user", content=[{"type": "input_audio"}]),
     "messages.0.content.0.input_audio"),
    ("a picture from the system", {"messages": [{"role": "system", "content": [
        {"type": "image_url", "image_url": {"url": PNG}}]}]}, "messages.0.content.0.type"),
]  # fmt: skip
# What no schema can say: these compare one part of a request with another, or what a schema inside it says.
BEYOND_A_SCHEMA = {"a choice of another tool", "a tool that was not called", "a tool whose arguments are a list"}
NAMES = [case[0] for case in REFUSED]


def invalid(answer: Answer) -> dict[str, Any]:
    """Assert the refusal of a bad request and return its error."""
    assert answer.status == 400, answer.raw
    error: dict[str, Any] = answer["error"]
    assert error.keys() - {"param"} == {"message", "type", "code"}
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_request")
    assert 5 < len(error["message"]) < 700
    return error


@pytest.mark.parametrize(("why", "fields", "param"), REFUSED, ids=NAMES)
async def test_a_bad_request_is_refused_and_nothing_is_charged(
    stage: House, why: str, fields: dict[str, Any], param: str
) -> None:
    invalid(await stage.gateway().post(PATH, {**BASE, **fields}))
    await untouched(stage)


@pytest.mark.parametrize(("why", "fields", "param"), REFUSED, ids=NAMES)
async def test_a_refusal_names_the_field_as_the_client_wrote_it(
    stage: House, why: str, fields: dict[str, Any], param: str
) -> None:
    """`param` leads through the request's own names to the fault or to what holds it."""
    error = invalid(await stage.gateway().post(PATH, {**BASE, **fields}))
    named = error.get("param", "")
    assert named == param or (named != "" and param.startswith(f"{named}."))
    assert not any(word in error["message"] for word in ("constrained", "literal[", "discriminator", "function-"))


@pytest.mark.parametrize("why", [name for name in NAMES if name not in BEYOND_A_SCHEMA])
def test_the_document_refuses_it_too(why: str) -> None:
    fields = REFUSED[NAMES.index(why)][1]
    with pytest.raises(judge.MismatchError):
        judge.of("apikeyorg").check_schema("ChatRequest", {**BASE, **fields})


async def test_an_unknown_model_is_not_found(stage: House) -> None:
    answer = await stage.gateway().post(PATH, {**BASE, "model": "gpt-9"})
    assert (answer.status, answer["error"]["type"], answer["error"]["code"]) == (
        404, "not_found_error", "model_not_found",
    )  # fmt: skip
    assert "gpt-5" in answer["error"]["message"]
    await untouched(stage)


async def test_unknown_fields_are_named_in_a_warning(stage: House) -> None:
    """A-KEY-18: max_credits and callback_url belong to tasks and have no effect here."""
    answer = await stage.gateway().chat(max_credits=0, callback_url="not even an address", temperatur=1)
    warning = answer.headers["X-Soundstage-Warning"]
    assert warning == "ignored fields: callback_url, max_credits, temperatur (did you mean temperature?)"
    streamed = await stage.gateway().chat(stream=True, max_credits=0)
    assert streamed.headers["X-Soundstage-Warning"] == "ignored fields: max_credits"


@pytest.mark.parametrize("raw", [b"", b"[]", b'"hi"', b"null", b"{", b'{"model": NaN}', b"\xff", b"[" * 5000])
async def test_what_is_not_a_json_object_is_refused(stage: House, raw: bytes) -> None:
    invalid(await stage.gateway().call("POST", PATH, data=raw))
    await untouched(stage)


async def test_a_chat_needs_a_key(stage: House) -> None:
    async with stage.http.post(f"{stage.url}/apikeyorg{PATH}", data=json.dumps(dict(BASE))) as reply:
        assert reply.status == 401
        assert (await reply.json())["error"]["code"] == "invalid_api_key"
