"""API-Key's chat with tools and schemas: who is called and when, and that what is made fits its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from soundstage_contracts.checks.apikeyorg_chat import FORM, OPENAI, PATH, ask, said, tokens, used
from soundstage_contracts.checks.apikeyorg_errors import CHAT, answer_to
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import Broken, expect

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
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "book_boat"}},
]
QUESTION = [{"role": "user", "content": "What is the weather in Oslo?"}]


def fits(schema: Mapping[str, Any], text: str) -> Any:
    """Return the value of JSON text; raises Broken unless it is an instance of the schema."""
    try:
        value = json.loads(text)
    except ValueError:
        raise Broken(f"what should fit a schema is no JSON: {text!r}") from None
    expect(jsonschema_rs.is_valid(dict(schema), value), f"{text} does not fit {dict(schema)}")
    return value


def calls(reply: Reply) -> list[dict[str, Any]]:
    """Return the tool calls of an answer that has no text and ends with them."""
    choice = reply.field("choices")[0]
    ended = (choice["finish_reason"], choice["message"]["content"])
    expect(ended == ("tool_calls", None), f"an answer with calls ends as {ended}")
    made: list[dict[str, Any]] = choice["message"]["tool_calls"]
    counted = sum(tokens(one["function"]["arguments"]) for one in made)
    expect(used(reply)[1] == counted, f"calls of {counted} tokens are counted as {used(reply)[1]}")
    return made


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


CHOICES: Mapping[str, tuple[Any, str]] = {
    "required": ("required", "get_weather"),
    "by name": (_named("book_boat"), "book_boat"),
    "auto": ("auto", "get_weather"),
    "left out": (None, "get_weather"),
}


@promise("OPEN-431", OPENAI, assumed=FORM, each=tuple(CHOICES))
def called(stage: Stage, case: str) -> None:
    """A tool that is chosen is called once, by an id of its own, with arguments that fit its parameters."""
    choice, name = CHOICES[case]
    made = calls(ask(stage, messages=QUESTION, tools=TOOLS, tool_choice=choice))
    shown = [(one["type"], one["function"]["name"]) for one in made]
    expect(shown == [("function", name)], f"{name} should be called, and the calls are {shown}")
    expect(made[0]["id"].startswith("call_"), f"the call is named {made[0]['id']!r}")
    fits(WEATHER if name == "get_weather" else {"type": "object"}, made[0]["function"]["arguments"])


@promise("OPEN-432", OPENAI, assumed=FORM)
def not_called(stage: Stage) -> None:
    """Without tools, with tool_choice none, and after a tool has answered, a text is the answer."""
    plain, told = ask(stage, messages=QUESTION), ask(stage, messages=QUESTION, tools=TOOLS, tool_choice="none")
    made = calls(ask(stage, messages=QUESTION, tools=TOOLS))
    earlier = {"role": "assistant", "content": None, "tool_calls": made}
    result = {"role": "tool", "tool_call_id": made[0]["id"], "content": '{"degrees": 12}'}
    after = ask(stage, messages=[*QUESTION, earlier, result], tools=TOOLS)
    for reply in (plain, told, after):
        choice = reply.field("choices")[0]
        expect(choice["finish_reason"] == "stop", f"a text ends with stop, not {choice['finish_reason']}")
        expect("tool_calls" not in choice["message"], "a tool is called that should not be")
        expect(used(reply)[1] == tokens(said(reply)), "the text's tokens are counted wrong")


@promise("OPEN-433", OPENAI, assumed=FORM)
def call_cut(stage: Stage) -> None:
    """A limit of tokens cuts a call's arguments off, with finish_reason length."""
    whole = calls(ask(stage, messages=QUESTION, tools=TOOLS))[0]["function"]["arguments"]
    choice = ask(stage, messages=QUESTION, tools=TOOLS, max_tokens=2).field("choices")[0]
    cut = choice["message"]["tool_calls"][0]["function"]["arguments"]
    expect(choice["finish_reason"] == "length", f"a call that was cut ends with {choice['finish_reason']}")
    expect(whole.startswith(cut) and tokens(cut) == 2, f"{cut!r} are not the first two tokens of {whole!r}")


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "a strict object": WEATHER,
    "a list": {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2, "uniqueItems": True},
    "a choice": {"enum": ["boat", "lake"]},
    "a tree": {
        "$defs": {"node": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
        "type": "object",
        "required": ["left", "right"],
        "properties": {"left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}},
    },
}


@promise("OPEN-434", OPENAI, assumed=FORM, each=tuple(SCHEMAS))
def structured(stage: Stage, case: str) -> None:
    """An answer in the form of a json_schema is JSON that fits it."""
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMAS[case], "strict": True}}
    reply = ask(stage, response_format=form)
    fits(SCHEMAS[case], said(reply))
    expect(reply.field("choices")[0]["finish_reason"] == "stop", "a structured answer ends with stop")
    expect(used(reply)[1] == tokens(said(reply)), "a structured answer's tokens are counted wrong")


@promise("OPEN-435", OPENAI, assumed=FORM)
def loose_form(stage: Stage) -> None:
    """An answer in the form json_object is a JSON object; in the form text, or in none, it is a text."""
    fits({"type": "object"}, said(ask(stage, response_format={"type": "json_object"})))
    for form in ({"type": "text"}, None):
        reply = ask(stage, response_format=form)
        expect(not said(reply).startswith(("{", "[")), f"a text was asked for, and {said(reply)!r} came")
        expect(reply.field("choices")[0]["finish_reason"] == "stop", "a text ends with stop")


HOPELESS: Mapping[str, Mapping[str, Any]] = {
    "an unknown type": {"type": "text"},
    "too short and too long": {"type": "string", "minLength": 5, "maxLength": 4},
    "an empty choice": {"enum": []},
    "a reference to nowhere": {"$ref": "#/$defs/none"},
}


@promise("OPEN-436", OPENAI, assumed={"apikeyorg": "that it is refused"}, each=tuple(HOPELESS))
def hopeless(stage: Stage, case: str) -> None:
    """A schema that is invalid or that nothing fits is refused, for an answer as for a tool, and costs nothing."""
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": HOPELESS[case]}}
    answer_to(stage, Request.json(PATH, {**CHAT, "response_format": form}), "invalid")
    parameters = {"type": "object", "properties": {"a": HOPELESS[case]}, "required": ["a"]}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": parameters}}
    answer_to(stage, Request.json(PATH, {**CHAT, "tools": [tool], "tool_choice": "required"}), "invalid")
