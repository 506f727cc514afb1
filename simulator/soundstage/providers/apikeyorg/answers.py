"""Makes the answers of chat: texts, JSON under a schema and tool calls, all drawn from the request.

ASSUMED: the words, of course, and that `tool_choice: auto` calls the tools that share a word of their name with the
user's text.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from soundstage.core.randomness import Draw
from soundstage.media.instances import UnsatisfiableError, check, instance
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
MOST_TOKENS = 65_536
_IMAGE, _SMALL_IMAGE, _OTHER_PART = 765, 85, 64
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Called(NamedTuple):
    """A tool call: its id, the function's name, and its arguments as JSON text."""

    id: str
    name: str
    arguments: str


class Answer(NamedTuple):
    """One choice: a text or tool calls, why it ended, and its tokens."""

    text: str | None
    calls: tuple[Called, ...]
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
    functions = _called(request, last, about)
    draws = [draw, *(Draw(draw.origin, str(index)) for index in range(1, request.n or 1))]
    given: list[Answer] = []
    for one in draws:
        given.append(_calls(request, functions, one) if functions else _text(request, about, one))
        if sum(made.tokens for made in given) > MOST_TOKENS:
            raise UnsatisfiableError(f"the schema asks for more than {MOST_TOKENS} tokens of answers; ask for less")
    return given


def _calls(request: Chat, functions: list[Function], draw: Draw) -> Answer:
    """Return calls of these functions, as many and as much of them as `max_tokens` leaves room for."""
    made: list[Called] = []
    finish, used = "tool_calls", 0
    for number, function in enumerate(functions):
        one = draw if number == 0 else Draw(draw.origin, f"call {number}")
        # Arguments are an object whatever the schema leaves open.
        arguments = orjson.dumps(instance({"type": "object", **(function.parameters or {})}, one)).decode()
        arguments, finish = _cut(arguments, None if request.limit is None else request.limit - used, "tool_calls")
        made.append(Called(f"call_{one.hex('call', 24)}", function.name, arguments))
        used += tokens(arguments)
        if finish == "length" or used == request.limit:
            break
    return Answer(None, tuple(made), finish, used)


def _text(request: Chat, about: str, draw: Draw) -> Answer:
    wanted = request.response_format
    if isinstance(wanted, SchemaFormat):
        text = orjson.dumps(instance(wanted.json_schema.schema_ or {"type": "object"}, draw)).decode()
    else:
        text = answer(draw, about)
        if wanted is not None and wanted.type == "json_object":
            text = orjson.dumps({"answer": text}).decode()
        text = _until(text, request.stop)
    text, finish = _cut(text, request.limit, "stop")
    return Answer(text, (), finish, tokens(text))


def _called(request: Chat, last: Message, about: str) -> list[Function]:
    """Return the functions to call: the named one, or those whose name shares a word with what the user said."""
    choice = request.tool_choice
    functions = [tool.function for tool in request.tools or ()]
    if not functions or choice == "none":
        return []
    if isinstance(choice, NamedTool):
        return [one for one in functions if one.name == choice.function.name][:1]
    if choice != "required" and last.role != "user":
        return []
    said = _words(about)
    fitting = [one for one in functions if said & _words(one.name)]
    if choice == "required" and not fitting:
        return functions[:1]
    return fitting[:1] if request.parallel_tool_calls is False else fitting


def _words(text: str) -> set[str]:
    """Return the words of a text or a name: `getWeather` and `get_weather` have the same two."""
    return {word.lower() for word in _WORD.findall(text) if len(word) > 2}


def _until(text: str, stop: str | Sequence[str] | None) -> str:
    ends = [stop] if isinstance(stop, str) else stop or ()
    found = [text.find(end) for end in ends if end and end in text]
    return text[: min(found)] if found else text


def _cut(text: str, most: int | None, finish: str) -> tuple[str, str]:
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
