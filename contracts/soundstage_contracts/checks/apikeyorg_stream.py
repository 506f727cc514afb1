"""API-Key's streamed chat: the same answer in pieces, with its frame, its counts and its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from soundstage_contracts.checks.apikeyorg_chat import FORM, OPENAI, TOOL, ask, said
from soundstage_contracts.exchange import Reply
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import Broken, expect

USAGE = {"stream_options": {"include_usage": True}}


def chunks(reply: Reply) -> list[dict[str, Any]]:
    """Return the chunks of a stream; raises Broken unless it is framed as events and ends with [DONE]."""
    expect(reply.media_type == "text/event-stream", f"a stream comes as {reply.media_type}")
    blocks = reply.body.split(b"\n\n")
    expect(blocks[-2:] == [b"data: [DONE]", b""], f"a stream ends with data: [DONE], not {reply.body[-40:]!r}")
    expect(all(one.startswith(b"data: ") for one in blocks[:-1]), "an event of a stream is no data line")
    try:
        found = [json.loads(one.removeprefix(b"data: ")) for one in blocks[:-2]]
    except ValueError:
        raise Broken("an event of a stream is no JSON") from None
    heads = {tuple(one[name] for name in ("id", "object", "created", "model", "system_fingerprint")) for one in found}
    expect(len(heads) == 1, f"the chunks of one answer have different heads: {sorted(heads, key=str)[:2]}")
    return found


def whole(found: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the choices that chunks add up to, as a whole answer has them; raises Broken where they do not."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in found:
        for piece in chunk["choices"]:
            index, delta = piece["index"], piece["delta"]
            if index not in choices:
                expect(delta.get("role") == "assistant", f"choice {index} begins without its role: {delta}")
                choices[index] = {"text": "", "calls": [], "finish": None}
            else:
                expect("role" not in delta, f"choice {index} says its role twice")
            expect(choices[index]["finish"] is None, f"choice {index} goes on after its end")
            choices[index]["text"] += delta.get("content") or ""
            choices[index]["finish"] = piece["finish_reason"]
            _calls(choices[index]["calls"], delta.get("tool_calls", ()))
    return choices


def _calls(calls: list[dict[str, Any]], pieces: list[dict[str, Any]]) -> None:
    for one in pieces:
        if one["index"] == len(calls):
            function = {"name": one["function"]["name"], "arguments": ""}
            calls.append({"id": one["id"], "type": one["type"], "function": function})
        call = calls[one["index"]]
        call["function"]["arguments"] += one["function"]["arguments"]


def same(streamed: Mapping[int, Mapping[str, Any]], reply: Reply) -> None:
    """Raise Broken unless streamed choices are those of a whole answer."""
    choices = reply.field("choices")
    expect(sorted(streamed) == [one["index"] for one in choices], f"the stream has the choices {sorted(streamed)}")
    for one in choices:
        message, got = one["message"], streamed[one["index"]]
        wanted = (message["content"] or "", message.get("tool_calls", []), one["finish_reason"])
        told = (got["text"], got["calls"], got["finish"])
        expect(told == wanted, f"streamed it is {told}, and whole {wanted}")


CASES: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "three choices": {"n": 3},
    "cut by max_tokens": {"max_tokens": 2},
    "a tool call": {"tools": [TOOL], "tool_choice": "required"},
    "an object": {"response_format": {"type": "json_object"}},
}


@promise("OPEN-421", OPENAI, assumed=FORM, each=tuple(CASES))
def adds_up(stage: Stage, case: str) -> None:
    """The chunks of a stream add up to the answer that is given whole, choice by choice, up to its finish_reason."""
    reply, streamed = ask(stage, **CASES[case]), ask(stage, stream=True, **CASES[case])
    found = chunks(streamed)
    same(whole(found), reply)
    for chunk in found:
        expect(chunk["object"] == "chat.completion.chunk", f"a chunk is a {chunk['object']}")
        told = (chunk["model"], chunk["created"], chunk["system_fingerprint"])
        wanted = tuple(reply.field(name) for name in ("model", "created", "system_fingerprint"))
        expect(told == wanted, f"a chunk says {told}, the whole answer {wanted}")
        expect("usage" not in chunk, "a stream counts tokens though nobody asked")
        expect(len(chunk["choices"]) == 1, "a chunk is about one choice")
    if case == "plain":
        expect(len(found) > 3, f"a stream of {said(reply)!r} comes in {len(found)} chunks")


@promise("OPEN-422", OPENAI, assumed=FORM, each=tuple(CASES))
def counted(stage: Stage, case: str) -> None:
    """With include_usage one chunk more, without choices, counts the tokens of the whole; until then usage is null."""
    reply, streamed = ask(stage, **CASES[case]), ask(stage, stream=True, **USAGE, **CASES[case])
    found = chunks(streamed)
    expect(all(one["usage"] is None for one in found[:-1]), "usage is told before the end")
    expect(all(len(one["choices"]) == 1 for one in found[:-1]), "a chunk before the last has no choice")
    expect(found[-1]["choices"] == [], "the chunk with the usage has a choice")
    usage = reply.field("usage")
    expect(found[-1]["usage"] == usage, f"streamed the usage is {found[-1]['usage']}, and whole {usage}")
    same(whole(found), reply)
    quiet = ask(stage, stream=True, stream_options={"include_usage": False}, **CASES[case])
    expect(all("usage" not in one for one in chunks(quiet)), "usage was refused and is told")


@promise("OPEN-423", OPENAI, assumed={"apikeyorg": "how fast a stream is, and what its clock is"})
def not_streamed(stage: Stage) -> None:
    """stream false and null mean a whole answer, and a stream's answer has an id of its own."""
    expect(said(ask(stage, stream=False)) == said(ask(stage, stream=None)), "stream null is no whole answer")
    names = {chunks(ask(stage, stream=True))[0]["id"] for _ in range(2)} | {ask(stage).field("id")}
    expect(len(names) == 3, "two answers share an id")
