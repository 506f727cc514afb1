"""API-Key's chat completions, plain and streamed: what OpenAI's clients read, charged by token at once (R-KEY-022)."""

from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from typing import Any

import orjson

from soundstage.core.call import Call, Frame, Problem, Reply, Stream
from soundstage.core.randomness import Draw, fingerprint
from soundstage.core.universe import the_universe
from soundstage.core.view import Tx
from soundstage.media.instances import UnsatisfiableError
from soundstage.media.text import pieces
from soundstage.providers.apikeyorg.answers import Answer, answers, prompt_tokens
from soundstage.providers.apikeyorg.billing import pay
from soundstage.providers.apikeyorg.chat_wire import Chat
from soundstage.providers.apikeyorg.errors import INSUFFICIENT, reply_to
from soundstage.providers.apikeyorg.wanted import find_model
from soundstage.validation import compact, read, warned

OPERATION = "createChatCompletion"
# What an answer's words depend on; `stop` and `max_tokens` only cut the same words off earlier.
_SAYS = ("model", "messages", "tools", "tool_choice", "response_format")
# ASSUMED: one token every 20 ms, before the clock's speed.
_TOKEN_MS = 20
_NO_DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def chat(call: Call, tx: Tx) -> Reply:
    """POST /v1/chat/completions: an answer at once, paid for by its tokens."""
    model = find_model(call.body, call.key, "chat")
    if isinstance(model, Problem):
        return reply_to(model)
    request = read(Chat, call.body)
    if isinstance(request, Problem):
        return reply_to(request)
    asked = prompt_tokens(request, call.body.get("tools"))
    most = int(model.data["context_tokens"])
    if asked > most:
        message = f"The messages have {asked} tokens, {model.id} takes at most {most}; shorten them."
        return reply_to(Problem("invalid_request", message, "messages"))
    canonical = compact({name: call.body.get(name) for name in _SAYS})
    universe = the_universe(tx)
    try:
        # Without the occurrence: the same question gets the same answer, however many tests ask it at once.
        given = answers(request, Draw(str(universe.seed), universe.name, fingerprint(OPERATION, canonical)))
    except UnsatisfiableError as error:
        return reply_to(Problem("invalid_request", str(error), "tools" if request.tools else "response_format"))
    usage = _usage(asked, sum(one.tokens for one in given))
    written = int(usage["completion_tokens"])
    use_id = pay(call, tx, model, canonical, read=asked, written=written, prefix="chatcmpl")
    if use_id is None:
        return reply_to(INSUFFICIENT)
    head: dict[str, Any] = {
        "id": use_id,
        "object": "chat.completion",
        "created": tx.now // 1000,
        "model": model.id,
        "system_fingerprint": _fingerprint_of(model.id),
    }
    headers = warned(Chat, call.body)
    if request.stream:
        with_usage = request.stream_options is not None and bool(request.stream_options.include_usage)
        body = Stream(tuple(_frames(head, given, usage if with_usage else None)))
        return Reply(body, headers={**headers, "Cache-Control": "no-cache"}, content_type="text/event-stream")
    choices = [_choice(index, one) for index, one in enumerate(given)]
    return Reply({**head, "choices": choices, "usage": usage}, headers=headers)


@cache
def _fingerprint_of(model_id: str) -> str:
    return f"fp_{Draw(model_id).hex('fingerprint', 10)}"


def _usage(asked: int, written: int) -> dict[str, Any]:
    counts = {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}
    return {**counts, **_NO_DETAILS}


def _choice(index: int, one: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": one.text, "refusal": None}
    if one.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in one.calls
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": one.finish}


def _frames(head: dict[str, Any], given: list[Answer], usage: dict[str, Any] | None) -> Iterator[Frame]:
    """Yield a stream's frames: the choices side by side, one token a step, then usage where asked for, then the end."""
    head = {**head, "object": "chat.completion.chunk"}
    tail: dict[str, Any] = {} if usage is None else {"usage": None}
    step = 0
    for step, together in enumerate(zip_longest(*[_deltas(one) for one in given])):
        for index, delta in enumerate(together):
            if delta is not None:
                choice = {"index": index, "delta": delta[0], "logprobs": None, "finish_reason": delta[1]}
                yield Frame(step * _TOKEN_MS, _event({**head, "choices": [choice], **tail}))
    if usage is not None:
        yield Frame(step * _TOKEN_MS, _event({**head, "choices": [], "usage": usage}))
    yield Frame(step * _TOKEN_MS, b"data: [DONE]\n\n")


def _deltas(one: Answer) -> Iterator[tuple[dict[str, Any], str | None]]:
    if not one.calls:
        yield {"role": "assistant", "content": "", "refusal": None}, None
        for piece in pieces(one.text or ""):
            yield {"content": piece}, None
    role: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    for number, call in enumerate(one.calls):
        function = {"name": call.name, "arguments": ""}
        first = {"index": number, "id": call.id, "type": "function", "function": function}
        yield {**(role if number == 0 else {}), "tool_calls": [first]}, None
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}, None
    yield {}, one.finish


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(chunk)
