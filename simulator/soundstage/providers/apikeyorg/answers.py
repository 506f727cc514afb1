"""Makes the answers of chat: texts, JSON under a schema and tool calls, all drawn from the request.

ASSUMED: the words, of course, and that `tool_choice: auto` calls a tool when a word of its name is in the user's text.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from soundstage.core.randomness import Draw
from soundstage.media.instances import check, instance
from soundstage.media.text import answer, tokens
from soundstage.providers.apikeyorg.chat_wire import (
    AssistantMessage,
    Chat,
    Content,
    Function,
    ImagePart,
    Message,
    NamedTool,
    SchemaFormat,
    TextPart,
)

_CHARACTERS_A_TOKEN = 4
_PER_MESSAGE, _PRIMER = 4, 2
_IMAGE, _SMALL_IMAGE, _OTHER_PART = 765, 85, 64
_WORD = re.compile(r"[a-z]{3,}")


class Called(NamedTuple):
    """A tool call: its id, the function's name, and its arguments as JSON text."""

    id: str
    name: str
    arguments: str


class Answer(NamedTuple):
    """One choice: a text or a tool call, why it ended, and its tokens."""

    text: str | None
    call: Called | None
    finish: str
    tokens: int


def prompt_tokens(request: Chat, tools: object) -> int:
    """Return what a request's messages, pictures and tools count, at four characters a token."""
    counted = _PRIMER + (tokens(orjson.dumps(tools).decode()) if tools else 0)
    for message in request.messages:
        counted += _PER_MESSAGE + _content_tokens(message.content)
        if isinstance(message, AssistantMessage):
            for call in message.tool_calls or ():
                counted += tokens(call.function.name) + tokens(call.function.arguments)
    return counted


def answers(request: Chat, draw: Draw) -> list[Answer]:
    """Return the choices; raises UnsatisfiableError for a schema that no answer fits."""
    for tool in request.tools or ():
        check(tool.function.parameters or {})
    last = request.messages[-1]
    about = _text_of(last.content)
    function = _tool_for(request, last, about)
    draws = [draw, *(Draw(draw.origin, str(index)) for index in range(1, request.n or 1))]
    return [_answer(request, about, function, one) for one in draws]


def _answer(request: Chat, about: str, function: Function | None, draw: Draw) -> Answer:
    if function is not None:
        # Arguments are an object whatever the schema leaves open.
        schema = {"type": "object", **(function.parameters or {})}
        arguments = orjson.dumps(instance(schema, draw)).decode()
        arguments, finish = _cut(arguments, request, "tool_calls")
        call = Called(f"call_{draw.hex('call', 24)}", function.name, arguments)
        return Answer(None, call, finish, tokens(arguments))
    wanted = request.response_format
    if isinstance(wanted, SchemaFormat):
        text = orjson.dumps(instance(wanted.json_schema.schema_ or {}, draw)).decode()
    else:
        text = answer(draw, about)
        if wanted is not None and wanted.type == "json_object":
            text = orjson.dumps({"answer": text}).decode()
        text = _until(text, request.stop)
    text, finish = _cut(text, request, "stop")
    return Answer(text, None, finish, tokens(text))


def _tool_for(request: Chat, last: Message, about: str) -> Function | None:
    choice = request.tool_choice
    functions = [tool.function for tool in request.tools or ()]
    if not functions or choice == "none":
        return None
    if isinstance(choice, NamedTool):
        return next(one for one in functions if one.name == choice.function.name)
    if choice != "required" and last.role != "user":
        return None
    words = set(_WORD.findall(about.lower()))
    fitting = [one for one in functions if words & set(_WORD.findall(one.name.lower()))]
    return (fitting or functions)[0] if fitting or choice == "required" else None


def _until(text: str, stop: str | Sequence[str] | None) -> str:
    ends = [stop] if isinstance(stop, str) else stop or ()
    found = [text.find(end) for end in ends if end and end in text]
    return text[: min(found)] if found else text


def _cut(text: str, request: Chat, finish: str) -> tuple[str, str]:
    most = request.limit
    if most is None or tokens(text) <= most:
        return text, finish
    return text[: most * _CHARACTERS_A_TOKEN], "length"


def _text_of(content: Content | None) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part.text for part in content or () if isinstance(part, TextPart))


def _content_tokens(content: Content | None) -> int:
    if isinstance(content, str):
        return tokens(content)
    counted = 0
    for part in content or ():
        if isinstance(part, TextPart):
            counted += tokens(part.text)
        elif isinstance(part, ImagePart):
            counted += _SMALL_IMAGE if part.image_url.detail == "low" else _IMAGE
        else:
            counted += _OTHER_PART
    return counted
