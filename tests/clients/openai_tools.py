"""Tool calls through the OpenAI SDK: when they come, what they carry, how they go on."""

from __future__ import annotations

import json
from typing import Any

import openai
from behaviours import Server, behaviour
from openai_sdk import CHAT, QUESTION, ask, client, text_of
from pydantic import BaseModel

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "days", "unit"],
            "additionalProperties": False,
        },
    },
}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
TOOLS = [WEATHER, TIME]
ABOUT_WEATHER = [{"role": "user", "content": "What will the weather be in Hue?"}]


def assert_weather(text: str) -> None:
    """Check arguments against the schema of the weather tool by hand."""
    given = json.loads(text)
    assert set(given) == {"city", "days", "unit"}, given
    assert isinstance(given["city"], str), given
    assert type(given["days"]) is int, given
    assert 1 <= given["days"] <= 7, given
    assert given["unit"] in {"celsius", "fahrenheit"}, given


def one_call(answer: Any) -> Any:
    """Return the only tool call of an answer that ended with it."""
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls", answer
    assert len(choice.message.tool_calls) == 1, answer
    call = choice.message.tool_calls[0]
    assert call.type == "function", answer
    assert call.id.startswith("call_"), answer
    return call


@behaviour
def a_required_tool_is_called_with_arguments_of_its_schema(server: Server) -> None:
    """R-KEY-022."""
    call = one_call(ask(server, tools=[WEATHER], tool_choice="required"))
    assert call.function.name == "get_weather", call
    assert_weather(call.function.arguments)


@behaviour
def a_named_tool_is_the_one_that_is_called(server: Server) -> None:
    for name in ("get_time", "get_weather"):
        answer = ask(server, tools=TOOLS, tool_choice={"type": "function", "function": {"name": name}})
        calls = answer.choices[0].message.tool_calls
        assert calls, answer
        assert [call.function.name for call in calls] == [name], answer


@behaviour
def a_tool_without_parameters_is_called_with_an_empty_object(server: Server) -> None:
    bare = {"type": "function", "function": {"name": "get_time"}}
    loose = {"type": "function", "function": {"name": "get_time", "parameters": {}}}
    for tool in (TIME, bare, loose):
        call = one_call(ask(server, tools=[tool], tool_choice="required"))
        assert json.loads(call.function.arguments) == {}, call


@behaviour
def no_tool_is_called_where_none_may_be(server: Server) -> None:
    answer = ask(server, messages=ABOUT_WEATHER, tools=TOOLS, tool_choice="none")
    assert not answer.choices[0].message.tool_calls, answer
    assert text_of(answer), answer


@behaviour
def the_model_decides_by_the_question_when_it_may(server: Server) -> None:
    asked = ask(server, messages=ABOUT_WEATHER, tools=[WEATHER])
    assert_weather(one_call(asked).function.arguments)
    unasked = ask(server, messages=[{"role": "user", "content": "Tell me a joke."}], tools=[WEATHER])
    assert not unasked.choices[0].message.tool_calls, unasked
    assert text_of(unasked), unasked


@behaviour
def a_tools_result_is_answered_with_text(server: Server) -> None:
    call = ask(server, messages=ABOUT_WEATHER, tools=TOOLS, tool_choice="required").choices[0].message
    results = [{"role": "tool", "tool_call_id": one.id, "content": '{"sky": "clear"}'} for one in call.tool_calls]
    answer = ask(server, messages=[*ABOUT_WEATHER, call, *results], tools=TOOLS)
    assert text_of(answer), answer
    assert answer.choices[0].finish_reason == "stop", answer


@behaviour
def a_streamed_tool_call_is_put_together_from_pieces(server: Server) -> None:
    name, text, ids = "", "", []
    chunks = list(ask(server, tools=[WEATHER], tool_choice="required", stream=True))
    for piece in [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]:
        assert piece.index == 0, piece
        ids += [piece.id] if piece.id else []
        name += piece.function.name or ""
        text += piece.function.arguments or ""
    assert (name, len(ids)) == ("get_weather", 1), chunks
    assert_weather(text)
    assert chunks[-1].choices[0].finish_reason == "tool_calls", chunks[-1]


@behaviour
def the_sdks_stream_helper_puts_tool_calls_together(server: Server) -> None:
    asked = {"model": CHAT, "messages": QUESTION, "tools": [WEATHER], "tool_choice": "required"}
    with client(server).chat.completions.stream(**asked) as stream:
        assert_weather(one_call(stream.get_final_completion()).function.arguments)


@behaviour
def one_tool_is_called_when_parallel_calls_are_off(server: Server) -> None:
    answer = ask(server, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    assert len(answer.choices[0].message.tool_calls) == 1, answer


class Booking(BaseModel):
    """Arguments of a tool, as a pydantic model."""

    hotel: str
    nights: int
    breakfast: bool
    guests: list[str]


@behaviour
def a_strict_pydantic_tool_parses(server: Server) -> None:
    tool = openai.pydantic_function_tool(Booking)
    answer = client(server).chat.completions.parse(model=CHAT, messages=QUESTION, tools=[tool], tool_choice="required")
    assert isinstance(one_call(answer).function.parsed_arguments, Booking), answer
