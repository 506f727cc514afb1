"""API-Key's chat with tools and schemas: what is called and when, and that arguments and answers fit (R-KEY-022)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest

from support.client import Answer, House

PATH = "/v1/chat/completions"
WEATHER: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2, "maxLength": 30},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
}
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "anything": {},
    "an object": {"type": "object"},
    "a strict object": WEATHER,
    "a list": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 3, "uniqueItems": True},
    "a tree": {
        "$defs": {"node": {"type": "object", "properties": {
            "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["name", "children"], "additionalProperties": False}},
        "$ref": "#/$defs/node",
    },
    "a choice": {"oneOf": [{"type": "integer", "multipleOf": 7}, {"type": "string", "pattern": "^[a-f0-9]{8}$"}]},
    "a date": {"type": "object", "properties": {"on": {"type": "string", "format": "date"}}, "required": ["on"]},
    "a constant": {"const": {"a": [1, None, True]}},
    "null": {"type": "null"},
    "all of it": {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "boolean"}}}]},
}  # fmt: skip
# Invalid ones, and ones that no value fits.
HOPELESS: Mapping[str, Mapping[str, Any]] = {
    "unknown type": {"type": "text"},
    "number for properties": {"type": "object", "properties": 5},
    "negative length": {"type": "string", "minLength": -1},
    "broken pattern": {"type": "string", "pattern": "("},
    "a reference to nowhere": {"$ref": "#/$defs/none"},
    "a reference to another machine": {"$ref": "https://example.com/schema.json"},
    "an empty choice": {"enum": []},
    "too short and too long": {"type": "string", "minLength": 5, "maxLength": 4},
    "below and above": {"type": "integer", "minimum": 5, "maximum": 4},
    "never": {"not": {}},
    "two types": {"allOf": [{"type": "string"}, {"type": "integer"}]},
    "endless": {"$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}},
                "$ref": "#/$defs/a"},
    "a needed field that may not be": {"type": "object", "required": ["a"], "properties": {"a": False}},
}  # fmt: skip


def tool(name: str, parameters: Mapping[str, Any] | None = WEATHER) -> dict[str, Any]:
    """Return a tool."""
    function: dict[str, Any] = {"name": name}
    if parameters is not None:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def named(name: str) -> dict[str, Any]:
    """Return the choice of one tool."""
    return {"type": "function", "function": {"name": name}}


def formed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the format of an answer under a schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


def called(answer: Answer) -> dict[str, Any] | None:
    """Return the function that is called, if one is, and assert the choice's form."""
    (choice,) = answer["choices"]
    message = choice["message"]
    if "tool_calls" not in message:
        assert choice["finish_reason"] == "stop"
        assert message["content"]
        return None
    (call,) = message["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert message["content"] is None
    assert call.keys() == {"id", "type", "function"}
    assert call["id"].startswith("call_")
    assert call["type"] == "function"
    function: dict[str, Any] = call["function"]
    assert answer["usage"]["completion_tokens"] == math.ceil(len(function["arguments"]) / 4)
    return function


def fits(schema: Mapping[str, Any], text: str) -> bool:
    """Tell whether JSON text is an instance of a schema."""
    return jsonschema_rs.is_valid(dict(schema), json.loads(text), validate_formats=True)


async def untouched(house: House) -> None:
    """Assert that nothing was charged."""
    wallet = await house.admin().wallet()
    assert not wallet or [wallet[name] for name in ("available", "held", "spent")] == [1000, 0, 0]
    await house.admin().sound()


TOOLS = [tool("get_weather"), tool("bookFlight"), tool("go-to-sea")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("What is the weather in Oslo?", "get_weather"),
        ("WEATHER!", "get_weather"),
        ("Get me a train", "get_weather"),
        ("I like the sea.", "go-to-sea"),
        ("to go", None),
        ("whether", None),
        ("seaside", None),
        ("", None),
    ],
)
@pytest.mark.parametrize(
    "choice", [{}, {"tool_choice": "auto"}, {"tool_choice": None}], ids=["left out", "auto", "null"]
)
async def test_auto_calls_a_tool_whose_name_has_a_word_of_the_question(
    stage: House, text: str, name: str | None, choice: dict[str, Any]
) -> None:
    function = called(await stage.gateway().chat(text, tools=TOOLS, **choice))
    assert (function and function["name"]) == name
    assert function is None or fits(WEATHER, function["arguments"])


async def test_none_calls_no_tool(stage: House) -> None:
    assert called(await stage.gateway().chat("What is the weather?", tools=TOOLS, tool_choice="none")) is None
    assert called(await stage.gateway().chat("What is the weather?", tools=[])) is None
    assert called(await stage.gateway().chat("What is the weather?", tool_choice="none")) is None


async def test_required_calls_the_tool_that_fits_best_or_the_first(stage: House) -> None:
    for text, name in (("the sea", "go-to-sea"), ("nothing of the kind", "get_weather")):
        function = called(await stage.gateway().chat(text, tools=TOOLS, tool_choice="required"))
        assert function is not None
        assert function["name"] == name
        assert fits(WEATHER, function["arguments"])


@pytest.mark.parametrize("name", ["get_weather", "bookFlight", "go-to-sea"])
async def test_a_named_tool_is_the_one_that_is_called(stage: House, name: str) -> None:
    function = called(await stage.gateway().chat("the weather", tools=TOOLS, tool_choice=named(name)))
    assert function is not None
    assert function["name"] == name


async def test_after_a_tool_has_answered_there_are_words(stage: House) -> None:
    question = {"role": "user", "content": "What is the weather in Oslo?"}
    first = await stage.gateway().post(PATH, {"model": "gpt-5", "messages": [question], "tools": TOOLS})
    message = first["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "Sunny weather, 21 degrees"}
    body = {"model": "gpt-5", "messages": [question, message, result], "tools": TOOLS}
    answer = await stage.gateway().post(PATH, body)
    assert called(answer) is None
    assert "Sunny weather" in answer["choices"][0]["message"]["content"]
    again = await stage.gateway().post(PATH, {**body, "tool_choice": "required"})
    assert called(again) is not None


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}}])
async def test_a_tool_without_parameters_gets_an_object(stage: House, parameters: Mapping[str, Any] | None) -> None:
    chosen: dict[str, Any] = {"tools": [tool("ping", parameters)], "tool_choice": "required"}
    function = called(await stage.gateway().chat(**chosen))
    assert function is not None
    assert isinstance(json.loads(function["arguments"]), dict)


async def test_the_same_call_has_the_same_arguments(stage: House) -> None:
    calls = [called(await stage.gateway().chat("weather", tools=TOOLS)) for _ in range(2)]
    assert calls[0] == calls[1]


async def test_every_answer_of_n_calls_for_itself(stage: House) -> None:
    answer = await stage.gateway().chat("weather", tools=TOOLS, n=3)
    calls = [choice["message"]["tool_calls"][0] for choice in answer["choices"]]
    assert len({call["id"] for call in calls}) == 3
    assert all(fits(WEATHER, call["function"]["arguments"]) for call in calls)


async def test_a_limit_cuts_arguments_off_and_says_so(stage: House) -> None:
    whole = called(await stage.gateway().chat("weather", tools=TOOLS))
    assert whole is not None
    answer = await stage.gateway().chat("weather", tools=TOOLS, max_tokens=2)
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == whole["arguments"][:8]
    assert answer["usage"]["completion_tokens"] == 2


async def test_json_object_answers_with_an_object(stage: House) -> None:
    for text in ("", 'say "hi"\n\\', "🌊"):
        answer = await stage.gateway().chat(text, response_format={"type": "json_object"})
        assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)
    plain = await stage.gateway().chat(response_format={"type": "text"})
    with pytest.raises(json.JSONDecodeError):
        json.loads(plain["choices"][0]["message"]["content"])


@pytest.mark.parametrize("stop", ["{", '"', "a", ":"])
async def test_a_stop_text_breaks_no_structured_answer(stage: House, stop: str) -> None:
    """Only the token limit cuts what is made from a schema."""
    asked: dict[str, Any] = {"response_format": formed(WEATHER)}
    plain, stopped = [await stage.gateway().chat(**asked, **more) for more in ({}, {"stop": stop})]
    assert stopped["choices"] == plain["choices"]
    function = called(await stage.gateway().chat("weather", tools=TOOLS, stop=[stop]))
    assert function is not None
    assert fits(WEATHER, function["arguments"])


@pytest.mark.parametrize("name", SCHEMAS)
async def test_an_answer_under_a_schema_fits_it(stage: House, name: str) -> None:
    answer = await stage.gateway().chat(response_format=formed(SCHEMAS[name]))
    (choice,) = answer["choices"]
    assert (choice["finish_reason"], choice["message"].keys()) == ("stop", {"role", "content", "refusal"})
    assert fits(SCHEMAS[name], choice["message"]["content"])
    several = await stage.gateway().chat(response_format=formed(SCHEMAS[name]), n=8)
    assert all(fits(SCHEMAS[name], choice["message"]["content"]) for choice in several["choices"])
    assert several["choices"][0] == choice


@pytest.mark.parametrize("name", [name for name, one in SCHEMAS.items() if one.get("type", "object") == "object"])
async def test_arguments_fit_their_schema_and_are_an_object(stage: House, name: str) -> None:
    if name in {"a choice", "a constant"}:
        return
    chosen: dict[str, Any] = {"tools": [tool("ping", SCHEMAS[name])], "tool_choice": "required", "n": 8}
    answer = await stage.gateway().chat(**chosen)
    for choice in answer["choices"]:
        arguments = choice["message"]["tool_calls"][0]["function"]["arguments"]
        assert fits(SCHEMAS[name], arguments)
        assert isinstance(json.loads(arguments), dict)


@pytest.mark.parametrize("schema", [None, {}])
async def test_a_schema_left_open_is_met_by_anything(stage: House, schema: Any) -> None:
    answer = await stage.gateway().chat(response_format=formed(schema))
    json.loads(answer["choices"][0]["message"]["content"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", HOPELESS)
async def test_a_schema_no_answer_fits_is_refused_and_nothing_is_charged(stage: House, name: str, stream: bool) -> None:
    asked = {"model": "gpt-5", "messages": [{"role": "user", "content": "weather"}], "stream": stream}
    for fields in (
        {"response_format": formed(HOPELESS[name])},
        {"tools": [tool("get_weather", HOPELESS[name])]},
        {"tools": [tool("ping", HOPELESS[name])], "tool_choice": "required"},
    ):
        answer = await stage.gateway().post(PATH, {**asked, **fields})
        assert answer.status == 400, answer.raw
        error = answer["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_request")
        assert error["param"].split(".")[0] in fields
        assert len(error["message"]) < 700
    await untouched(stage)


async def test_a_broken_schema_is_refused_even_where_its_tool_is_not_called(stage: House) -> None:
    """The document refuses every invalid schema, so that a typing error does not wait for the right question."""
    body = {
        "model": "gpt-5",
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [tool("ping", {"type": "object", "properties": {"a": {"type": "text"}}})],
    }
    for choice in ("auto", "none"):
        answer = await stage.gateway().post(PATH, {**body, "tool_choice": choice})
        assert answer.status == 400, answer.raw
    await untouched(stage)


@pytest.mark.parametrize("depth", [200, 5000])
async def test_a_very_deep_schema_is_answered_or_refused_and_never_breaks_the_server(stage: House, depth: int) -> None:
    text = '{"type":"array","items":' * depth + "{}" + "}" * depth
    raw = (
        '{"model":"gpt-5","messages":[{"role":"user","content":"x"}],"response_format":'
        f'{{"type":"json_schema","json_schema":{{"name":"a","schema":{text}}}}}}}'
    )
    answer = await stage.gateway().call("POST", PATH, data=raw.encode())
    assert answer.status in {200, 400}
    assert called(await stage.gateway().chat()) is None
