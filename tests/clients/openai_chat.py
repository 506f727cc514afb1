"""Chat through the OpenAI SDK: plain answers, streams, limits, parts of messages."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

from behaviours import Server, behaviour
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai_sdk import CHAT, PNG, QUESTION, ask, async_client, client, text_of
from pydantic import BaseModel

PIXEL = "data:image/png;base64," + base64.b64encode(PNG).decode()


def text_of_chunks(chunks: list[Any], index: int = 0) -> str:
    """Return the text that the chunks of one answer add up to."""
    parts = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(part or "" for part in parts)


@behaviour
def a_plain_answer_has_every_field_the_sdk_requires(server: Server) -> None:
    """R-KEY-022."""
    raw = client(server).chat.completions.with_raw_response.create(model=CHAT, messages=QUESTION)
    ChatCompletion.model_validate_json(raw.http_response.text, strict=True)


@behaviour
def a_plain_answer_is_the_assistants_and_stops(server: Server) -> None:
    answer = ask(server)
    assert text_of(answer), answer
    assert answer.choices[0].message.role == "assistant", answer
    assert answer.choices[0].finish_reason == "stop", answer
    assert answer.model == CHAT, answer
    assert abs(answer.created - time.time()) < 3600, answer
    assert answer._request_id, answer


@behaviour
def usage_adds_up(server: Server) -> None:
    usage = ask(server).usage
    assert usage.prompt_tokens > 0, usage
    assert usage.completion_tokens > 0, usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage


@behaviour
def a_longer_question_costs_more_prompt_tokens(server: Server) -> None:
    short = ask(server, messages=[{"role": "user", "content": "Hello there"}]).usage
    long = ask(server, messages=[{"role": "user", "content": "Hello there " * 50}]).usage
    assert long.prompt_tokens > short.prompt_tokens, (short, long)


@behaviour
def n_answers_come_when_n_are_asked_for(server: Server) -> None:
    answer = ask(server, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2], answer
    assert all(choice.message.content for choice in answer.choices), answer


@behaviour
def a_stop_sequence_ends_the_text_and_is_not_in_it(server: Server) -> None:
    for stop in (" ", ["e", " "]):
        answer = ask(server, stop=stop)
        text = answer.choices[0].message.content
        assert " " not in text, answer
        assert "e" not in text or stop == " ", answer
        assert answer.choices[0].finish_reason == "stop", answer


@behaviour
def max_tokens_cuts_the_answer(server: Server) -> None:
    answer = ask(server, max_tokens=5)
    assert answer.choices[0].finish_reason == "length", answer
    assert answer.usage.completion_tokens == 5, answer
    assert text_of(answer), answer


@behaviour
def max_completion_tokens_cuts_the_answer(server: Server) -> None:
    answer = ask(server, max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length", answer
    assert answer.usage.completion_tokens == 3, answer


@behaviour
def a_stream_is_a_role_then_pieces_then_a_reason(server: Server) -> None:
    chunks = list(ask(server, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant", chunks[0]
    assert len(chunks) > 3, chunks
    assert text_of_chunks(chunks).strip(), chunks
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1), chunks
    assert chunks[-1].choices[0].finish_reason == "stop", chunks[-1]
    assert len({chunk.id for chunk in chunks}) == 1, chunks
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(json.dumps(chunk.to_dict()), strict=True)


@behaviour
def a_stream_tells_its_usage_last_when_asked(server: Server) -> None:
    *before, last = ask(server, stream=True, stream_options={"include_usage": True})
    assert last.choices == [], last
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens, last
    assert all(chunk.usage is None and chunk.choices for chunk in before), before
    pieces = [chunk for chunk in before if chunk.choices[0].delta.content]
    assert len(pieces) == last.usage.completion_tokens, (len(pieces), last)


@behaviour
def a_stream_tells_no_usage_unasked(server: Server) -> None:
    assert all(chunk.usage is None and chunk.choices for chunk in ask(server, stream=True))


@behaviour
def a_stream_ends_at_once_after_its_last_chunk(server: Server) -> None:
    last = 0.0
    for _ in ask(server, stream=True):
        last = time.perf_counter()
    assert time.perf_counter() - last < 0.5


@behaviour
def a_stream_obeys_max_tokens_and_n(server: Server) -> None:
    chunks = list(ask(server, stream=True, max_tokens=4, n=2))
    reasons = {choice.index: choice.finish_reason for chunk in chunks for choice in chunk.choices}
    assert reasons == {0: "length", 1: "length"}, chunks
    assert text_of_chunks(chunks, 0), chunks
    assert text_of_chunks(chunks, 1), chunks


@behaviour
def a_stream_that_is_broken_off_leaves_the_client_usable(server: Server) -> None:
    for _ in range(3):
        stream = ask(server, stream=True)
        next(iter(stream))
        stream.close()
    assert text_of(ask(server))


@behaviour
def the_sdks_stream_helper_puts_the_answer_together(server: Server) -> None:
    with client(server).chat.completions.stream(model=CHAT, messages=QUESTION) as stream:
        events = [event.type for event in stream]
        answer = stream.get_final_completion()
    assert "content.done" in events, events
    assert text_of(answer), answer
    assert answer.choices[0].finish_reason == "stop", answer


@behaviour
def asyncio_clients_get_answers_and_streams(server: Server) -> None:
    async def both() -> None:
        async with async_client(server) as asking:
            ten = [asking.chat.completions.create(model=CHAT, messages=QUESTION) for _ in range(10)]
            answers = await asyncio.gather(*ten)
            assert all(text_of(answer) for answer in answers)
            assert len({answer.id for answer in answers}) == 10, answers
            chunks = [
                chunk
                async for chunk in await asking.chat.completions.create(model=CHAT, messages=QUESTION, stream=True)
            ]
            assert text_of_chunks(chunks), chunks

    asyncio.run(both())


@behaviour
def system_and_developer_messages_are_accepted(server: Server) -> None:
    for role in ("system", "developer"):
        assert text_of(ask(server, messages=[{"role": role, "content": "Be brief."}, *QUESTION]))


@behaviour
def a_conversation_goes_on_from_an_answer_of_the_sdk(server: Server) -> None:
    answer = ask(server).choices[0].message
    assert text_of(ask(server, messages=[*QUESTION, answer, {"role": "user", "content": "And by day?"}]))


@behaviour
def images_by_address_and_as_data_are_accepted_and_counted(server: Server) -> None:
    text = {"type": "text", "text": "What is in this picture?"}
    plain = ask(server, messages=[{"role": "user", "content": [text]}]).usage.prompt_tokens
    for url in ("https://cdn.example.com/cat.png", PIXEL):
        image = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
        answer = ask(server, messages=[{"role": "user", "content": [text, image]}])
        assert text_of(answer), answer
        assert answer.usage.prompt_tokens > plain, (plain, answer)


@behaviour
def the_usual_settings_are_accepted(server: Server) -> None:
    answer = ask(
        server, temperature=0.2, top_p=0.9, presence_penalty=0.5, frequency_penalty=-0.5, seed=7, user="somebody",
        metadata={"a": "b"}, store=False, logit_bias={"50256": -100}, service_tier="auto", reasoning_effort="low",
    )  # fmt: skip
    assert text_of(answer), answer


@behaviour
def settings_of_null_are_settings_left_out(server: Server) -> None:
    answer = ask(server, temperature=None, stop=None, n=None, max_tokens=None, tools=None, response_format=None)
    assert text_of(answer), answer
    assert answer.choices[0].finish_reason == "stop", answer


@behaviour
def json_object_answers_are_json_objects(server: Server) -> None:
    answer = ask(server, response_format={"type": "json_object"},
                 messages=[{"role": "user", "content": "Answer in JSON."}])  # fmt: skip
    assert isinstance(json.loads(text_of(answer)), dict), answer


class Step(BaseModel):
    """A part of a recipe."""

    text: str
    minutes: int
    tags: list[str]


class Recipe(BaseModel):
    """What the model is asked to fill in."""

    name: str
    steps: list[Step]
    vegan: bool
    rating: float
    remark: str | None


@behaviour
def parse_returns_the_pydantic_model_asked_for(server: Server) -> None:
    answer = client(server).chat.completions.parse(model=CHAT, messages=QUESTION, response_format=Recipe)
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Recipe), answer
    assert answer.choices[0].message.refusal is None, answer


@behaviour
def a_streamed_answer_fits_the_schema_too(server: Server) -> None:
    with client(server).chat.completions.stream(model=CHAT, messages=QUESTION, response_format=Recipe) as stream:
        answer = stream.get_final_completion()
    assert isinstance(answer.choices[0].message.parsed, Recipe), answer
