"""litellm against a running Soundstage: `python litellm_client.py SERVER_URL`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

# Otherwise importing litellm asks the internet for its price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from behaviours import Server, behaviour, main

QUESTION = [{"role": "user", "content": "What will the weather be in Hue?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(server: Server, **given: Any) -> Any:
    """Ask a chat model the usual question, without repeats."""
    usual = {"model": "openai/deepseek-v4", "messages": QUESTION, "api_base": server.api, "api_key": server.key}
    return litellm.completion(**{**usual, "num_retries": 0, "max_retries": 0, **given})


def error_of(call: Callable[[], object]) -> Exception | None:
    """Return what *call* ends with, None when it is answered."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - the caller looks at its class
        return error
    return None


@behaviour
def completion_answers_with_text_and_usage(server: Server) -> None:
    answer = ask(server)
    assert answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop", answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer


@behaviour
def a_stream_yields_pieces_and_its_usage(server: Server) -> None:
    chunks = list(ask(server, stream=True, stream_options={"include_usage": True}))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert len(chunks) > 3, chunks
    assert text.strip(), chunks
    assert [chunk.usage.total_tokens for chunk in chunks if getattr(chunk, "usage", None)], chunks[-1]


@behaviour
def a_tool_is_called_with_arguments(server: Server) -> None:
    answer = ask(server, tools=[TOOL], tool_choice="required")
    assert answer.choices[0].finish_reason == "tool_calls", answer
    (call,) = answer.choices[0].message.tool_calls
    assert isinstance(json.loads(call.function.arguments)["city"], str), answer


@behaviour
def embeddings_come_one_for_each_text(server: Server) -> None:
    answer = litellm.embedding(
        model="openai/text-embedding-3-small", input=["a", "b"], api_base=server.api, api_key=server.key
    )
    assert [len(one["embedding"]) for one in answer.data] == [1536, 1536], answer.usage


@behaviour
def refusals_become_litellms_own_errors(server: Server) -> None:
    once = server.register(limits={"requests_per_minute": 1})
    ask(server, api_key=once)
    wanted: list[tuple[type[Exception], dict[str, Any]]] = [
        (litellm.AuthenticationError, {"api_key": f"{server.key}_revoked"}),
        (litellm.NotFoundError, {"model": "openai/gpt-imaginary"}),
        (litellm.RateLimitError, {"api_key": once}),
        (litellm.BadRequestError, {"temperature": 9}),
    ]
    for kind, given in wanted:
        error = error_of(lambda given=given: ask(server, **given))  # type: ignore[misc]
        assert type(error) is kind, (given, error)


@behaviour
def other_refusals_keep_their_status(server: Server) -> None:
    for status, limits in ((402, {"balance": "0"}), (403, {"models": ["gpt-5-mini"]})):
        key = server.register(**limits)
        error = error_of(lambda key=key: ask(server, api_key=key))  # type: ignore[misc]
        assert getattr(error, "status_code", None) == status, repr(error)


if __name__ == "__main__":
    main()
