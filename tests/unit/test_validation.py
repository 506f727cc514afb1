"""What is wrong with a request is told in one sentence, at the place where the client wrote it, in words of ours."""

from __future__ import annotations

from typing import Any

import pytest

from soundstage.core.call import BlobRef, Form, Problem
from soundstage.providers.apikeyorg.chat_wire import Chat, Embeddings
from soundstage.providers.apikeyorg.wire import Video
from soundstage.validation import ignored, read

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "f"}}


def chat(**fields: Any) -> dict[str, Any]:
    """Return a chat body with other fields."""
    return {"model": "gpt-5", "messages": [USER], **fields}


CHATS: list[tuple[dict[str, Any], str, str]] = [
    (chat(messages=5), "messages", "messages must be an array, got 5."),
    (chat(messages=[]), "messages", "messages must have at least 1 items, got []."),
    (chat(messages=[1]), "messages.0", "messages.0 must be an object, got 1."),
    (chat(messages=[{"content": "x"}]), "messages.0", "messages.0 must be an object with 'role'"),
    (chat(messages=[{"role": "god", "content": "x"}]), "messages.0", "messages.0 must have 'role' one of 'system'"),
    (chat(messages=[{"role": "user"}]), "messages.0.content", "messages.0.content is required"),
    (
        chat(messages=[{"role": "user", "content": None}]),
        "messages.0.content",
        "must be a string or an array, got null",
    ),
    (
        chat(messages=[{"role": "user", "content": [{"type": "text", "text": 1}]}]),
        "messages.0.content.0.text",
        "must be a string, got 1",
    ),
    (
        chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]),
        "messages.0.content.0.image_url",
        "must be an object",
    ),
    (
        chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://a/b"}}]}]),
        "messages.0.content.0.image_url.url",
        "or data: URLs",
    ),
    (chat(temperature=9), "temperature", "temperature must be at most 2, got 9."),
    (chat(temperature="hot"), "temperature", "temperature must be a number"),
    (chat(stop=5), "stop", "stop must be a string or an array, got 5."),
    (chat(stop=["a"] * 5), "stop", "stop must have at most 4 items"),
    (chat(metadata=[]), "metadata", "metadata must be an object"),
    (chat(stream_options={}), "stream_options", "stream_options needs stream"),
    (chat(tool_choice="auto"), "tool_choice", "tool_choice needs tools"),
    (chat(tools=[TOOL], tool_choice={"type": "x"}), "tool_choice.type", "must be one of 'function'"),
    (chat(tools=[{"type": "function"}]), "tools.0.function", "tools.0.function is required"),
    (chat(response_format={"type": "json_schema"}), "response_format.json_schema", "is required"),
    (chat(response_format="json"), "response_format", "response_format must be an object"),
]


@pytest.mark.parametrize(
    ("body", "field", "says"), CHATS, ids=[f"{field}-{number}" for number, (_, field, _) in enumerate(CHATS)]
)
def test_a_fault_is_told_where_the_client_wrote_it(body: dict[str, Any], field: str, says: str) -> None:
    problem = read(Chat, body)
    assert isinstance(problem, Problem)
    assert (problem.field, says in problem.message) == (field, True), problem
    assert "Input should" not in problem.message
    assert "valid dictionary" not in problem.message


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (5, "input"),
        ("", "input"),
        ([], "input"),
        ([1.5], "input.0"),
        (["a", ""], "input.1"),
        ([[1], []], "input.1"),
        ([True], "input.0"),
        (["x"] * 2049, "input"),
    ],
)
def test_of_several_shapes_the_nearest_one_is_told(given: Any, field: str) -> None:
    problem = read(Embeddings, {"model": "m", "input": given})
    assert isinstance(problem, Problem)
    assert problem.field in {field, "input"}, problem
    assert "Input should" not in problem.message


def test_a_form_says_numbers_and_truths_as_json_does() -> None:
    given = Form({"model": ["m"], "duration": ["6"], "images": ["https://a.example/1.png", "https://a.example/2.png"]})
    video = read(Video, given)
    assert isinstance(video, Video)
    assert (video.duration, len(video.images or ())) == (6, 2)
    for wrong in ("6.0", "06", " 6", "+6", "1_0", "six", ""):
        assert isinstance(read(Video, Form({"model": ["m"], "duration": [wrong]})), Problem), wrong


def test_a_file_where_text_belongs_is_called_a_file() -> None:
    problem = read(Video, Form({"model": [BlobRef(1, None, "ab")]}))
    assert isinstance(problem, Problem)
    assert "a file" in problem.message


def test_a_million_strange_names_cost_no_more_than_a_few() -> None:
    names = {f"messag{number:x}": 0 for number in range(200_000)}
    problem = read(Chat, {"model": "gpt-5", **names})
    assert isinstance(problem, Problem)
    assert problem.message.startswith("messages is required")
    warning = ignored(Chat, {**chat(), **names, "x" * 1_000_000: 1})
    assert warning is not None
    assert len(warning) < 1000
