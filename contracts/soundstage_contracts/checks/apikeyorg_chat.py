"""API-Key's chat completions as OpenAI's clients read them: answers, limits, counts and their price."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.apikeyorg_errors import CHAT, answer_to, denied
from soundstage_contracts.checks.apikeyorg_models import entry
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.oracles.apikeyorg import BY_TOKEN
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import NotReached, expect

PATH = BY_TOKEN[0]
OPENAI = {"apikeyorg": "R-KEY-022"}
FORM = {"apikeyorg": '"OpenAI-compatible" is all that is documented; models, tokens and prices are not'}
CHAT_MODELS = ("gpt-5", "gpt-5-mini", "claude-sonnet-5", "gemini-3-flash", "deepseek-v4")
PICTURE = {"type": "image_url", "image_url": {"url": "https://media.example.com/boat.png"}}
TEXT = {"type": "text", "text": "What is in it?"}


def ask(stage: Stage, account: Account | None = None, /, **fields: Any) -> Reply:
    """Return the answer to a chat with these fields beside the usual ones."""
    return stage.answered(Request.json(PATH, {**CHAT, **fields}), account)


def said(reply: Reply, index: int = 0) -> str:
    """Return the text of one choice."""
    text = reply.field("choices")[index]["message"]["content"]
    expect(isinstance(text, str) and bool(text), f"the answer has no text: {text!r}")
    return str(text)


def tokens(text: str) -> int:
    """Return what a text counts: a token is four characters (an assumption)."""
    return -(-len(text) // 4)


def used(reply: Reply) -> tuple[int, int]:
    """Return prompt and completion tokens; raises Broken unless total_tokens is their sum."""
    usage = reply.field("usage")
    asked, written = usage["prompt_tokens"], usage["completion_tokens"]
    expect(asked > 0 and written > 0, f"an answer counts tokens both ways, not {asked} and {written}")
    expect(usage["total_tokens"] == asked + written, f"{asked} and {written} tokens are told as {usage}")
    details = [*usage["prompt_tokens_details"].values(), *usage["completion_tokens_details"].values()]
    expect(set(details) == {0}, f"nothing is cached, heard or reasoned here, and the usage says {details}")
    return asked, written


@promise("OPEN-401", OPENAI, assumed=FORM, each=CHAT_MODELS)
def answer(stage: Stage, case: str) -> None:
    """An answer is one finished choice of the assistant, by the model that was asked, with its tokens counted."""
    account = stage.account()
    reply = ask(stage, account, model=case)
    body = reply.object()
    shown = (body["object"], body["model"], len(body["choices"]))
    expect(shown == ("chat.completion", case, 1), f"the answer is {shown}")
    choice = body["choices"][0]
    ended = (choice["index"], choice["finish_reason"], choice["message"]["role"], choice["logprobs"])
    expect(ended == (0, "stop", "assistant", None), f"the choice is {ended}")
    asked, written = used(reply)
    expect(asked == 2 + 4 + tokens(CHAT["messages"][0]["content"]), f"the prompt counts {asked}")
    expect(written == tokens(said(reply)), f"{written} tokens are counted for {said(reply)!r}")
    task = stage.start(account, "image")
    made = stage.poll_reply(task).field("created_at")
    expect(body["created"] == made, f"at the same second an answer says {body['created']} and a task {made}")


@promise("OPEN-402", OPENAI, assumed={"apikeyorg": "that an answer repeats"})
def repeats(stage: Stage) -> None:
    """The same question gets the same words for the same tokens, each time under a new id; another gets others."""
    first, again = ask(stage), ask(stage)
    other = ask(stage, messages=[{"role": "user", "content": "Name a use of a lighthouse"}])
    expect(said(first) == said(again), "the same question got two answers")
    expect(used(first) == used(again), "the same question counts other tokens")
    expect(said(first) != said(other), "two questions got one answer")
    expect(len({one.field("id") for one in (first, again, other)}) == 3, "two answers share an id")
    marks = {one.field("system_fingerprint") for one in (first, again, other)}
    expect(len(marks) == 1, f"one model has the fingerprints {marks}")


@promise("OPEN-403", OPENAI, assumed=FORM, each=("max_tokens", "max_completion_tokens"))
def cut_by_limit(stage: Stage, case: str) -> None:
    """A limit of tokens cuts the answer off there, with finish_reason length; a higher one changes nothing."""
    whole = said(ask(stage))
    for most in (1, 3):
        reply = ask(stage, **{case: most})
        expect(whole.startswith(said(reply)), f"{said(reply)!r} is no beginning of {whole!r}")
        reason, written = reply.field("choices")[0]["finish_reason"], used(reply)[1]
        expect((reason, written) == ("length", most), f"{case} {most} ends with {reason} after {written} tokens")
    roomy = ask(stage, **{case: tokens(whole)})
    shown = (said(roomy), roomy.field("choices")[0]["finish_reason"])
    expect(shown == (whole, "stop"), f"a limit that is just enough gives {shown}")


@promise("OPEN-404", OPENAI, assumed=FORM)
def cut_by_stop(stage: Stage) -> None:
    """A stop text ends the answer before its first place, and of several the earliest counts."""
    whole = said(ask(stage))
    words = [word for word in whole.split() if len(word) > 2 and not whole.startswith(word)]
    if len(words) < 2:
        raise NotReached(f"the answer {whole!r} is too short to be stopped twice")
    first, last = words[0], words[-1]
    for stop in (first, [first], [last, first], [first, "\0never"]):
        reply = ask(stage, stop=stop)
        text = str(reply.field("choices")[0]["message"]["content"])
        expect(text == whole[: whole.index(first)], f"stop {stop!r} gives {text!r} of {whole!r}")
        expect(reply.field("choices")[0]["finish_reason"] == "stop", "an answer that was stopped ends with stop")
        expect(used(reply)[1] == tokens(text), "what comes after a stop is counted")
    expect(said(ask(stage, stop="\0never")) == whole, "a stop text that does not occur changes the answer")


@promise("OPEN-405", OPENAI, assumed=FORM)
def several(stage: Stage) -> None:
    """With n there are so many choices, numbered in order, the first as without it, and all are counted."""
    alone, reply = ask(stage), ask(stage, n=3)
    choices = reply.field("choices")
    expect([one["index"] for one in choices] == [0, 1, 2], f"three choices are numbered {choices}")
    expect(said(reply) == said(alone), "the first of three choices is another than the only one")
    written = sum(tokens(said(reply, index)) for index in range(3))
    expect(used(reply) == (used(alone)[0], written), f"three choices of {written} tokens are counted as {used(reply)}")


@promise("OPEN-406", OPENAI, assumed={"apikeyorg": "how tokens are counted"})
def prompts_count(stage: Stage) -> None:
    """Every part of a prompt counts: messages, their text, pictures by detail, tools."""
    plain = used(ask(stage))[0]
    first = CHAT["messages"][0]
    system = {"role": "system", "content": "Answer in one sentence."}
    longer = used(ask(stage, messages=[system, first]))[0]
    expect(longer == plain + 4 + tokens(system["content"]), f"a message more counts {longer - plain}")
    shown = used(ask(stage, messages=[{"role": "user", "content": [TEXT, PICTURE]}]))[0]
    low = {**PICTURE, "image_url": {**PICTURE["image_url"], "detail": "low"}}  # type: ignore[dict-item]
    small = used(ask(stage, messages=[{"role": "user", "content": [TEXT, low]}]))[0]
    bare = used(ask(stage, messages=[{"role": "user", "content": [TEXT]}]))[0]
    expect((shown - bare, small - bare) == (765, 85), f"a picture counts {shown - bare}, in low detail {small - bare}")
    tool = {"type": "function", "function": {"name": "look_up"}}
    expect(used(ask(stage, tools=[tool]))[0] > plain, "a tool counts nothing")


@promise("OPEN-407", OPENAI, assumed=FORM, each=CHAT_MODELS)
def charged(stage: Stage, case: str) -> None:
    """An answer costs its tokens at the model's listed prices, at once, to the last digit, streamed or not."""
    pricing = entry(stage, case)["pricing"]
    rates = [Decimal(pricing[name]) / 1000 for name in ("input", "output")]
    spent = Decimal(0)
    account = stage.account()
    for fields in ({}, {"n": 2}, {"max_tokens": 2}):
        reply = ask(stage, account, model=case, **fields)
        cost = sum((count * rate for count, rate in zip(used(reply), rates, strict=True)), Decimal(0))
        for streamed in (False, True):
            spent += cost
            books = stage.books(account)
            kept = (books.spent, books.held, books.available)
            how = "streamed" if streamed else "whole"
            expect(kept == (spent, Decimal(0), books.issued - spent), f"{how} it costs {cost}, the books say {books}")
            if not streamed:
                ask(stage, account, model=case, stream=True, **fields)


@promise("OPEN-408", {"apikeyorg": "R-KEY-022 R-KEY-070"}, assumed={"apikeyorg": "that tokens are paid at once"})
def unpaid(stage: Stage) -> None:
    """A balance that does not cover an answer is refused in JSON, streamed or not; exactly enough is enough."""
    rich = stage.account()
    ask(stage, rich)
    cost = stage.books(rich).spent
    # In one world, because another one may answer with other words.
    poor = stage.account(beside=rich, balance=cost - Decimal("0.000001"))
    exact = stage.account(beside=rich, balance=cost)
    for stream in (False, True):
        reply = answer_to(stage, Request.json(PATH, {**CHAT, "stream": stream}), "credits", poor)
        expect(reply.media_type == "application/json", f"a refused stream comes as {reply.media_type}")
    ask(stage, exact)
    answer_to(stage, Request.json(PATH, CHAT), "credits", exact)


@promise("OPEN-409", {"apikeyorg": "R-KEY-022 R-KEY-033"}, assumed={"apikeyorg": "chat is no task (A-KEY-18)"})
def no_task(stage: Stage) -> None:
    """max_credits and callback_url belong to tasks: chat and embeddings answer at once and never call back."""
    account, box = stage.account(), stage.mailbox()
    whole = said(ask(stage, account))
    for ceiling in (0, 1000):
        reply = ask(stage, account, max_credits=ceiling, callback_url=box.url)
        expect(said(reply) == whole, "a budget changes the answer")
        if stage.adapter.name == "soundstage":
            warning = reply.header("x-soundstage-warning") or ""
            expect("max_credits" in warning and "callback_url" in warning, f"the warning is {warning!r}")
    embedding = {"model": "text-embedding-3-small", "input": "a boat", "max_credits": 0, "callback_url": box.url}
    stage.answered(Request.json(BY_TOKEN[1], embedding), account)
    stage.pass_seconds(86_400, account)
    expect(not box.all(), "chat called back")


def _with(**message: Any) -> dict[str, Any]:
    return {"messages": [message]}


TOOL = {"type": "function", "function": {"name": "look_up"}}
REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model"),
    "a model for embeddings": ({"model": "text-embedding-3-small"}, "model"),
    "no messages": ({"messages": []}, "messages"),
    "messages in text": ({"messages": "hi"}, "messages"),
    "no role": (_with(content="hi"), "messages"),
    "an unknown role": (_with(role="function", content="hi"), "messages"),
    "no content": (_with(role="user"), "messages"),
    "an unknown part": (_with(role="user", content=[{"type": "video_url"}]), "messages"),
    "an answer to no call": (_with(role="tool", content="hi"), "messages"),
    "stream in text": ({"stream": "yes"}, "stream"),
    "stream_options without stream": ({"stream_options": {"include_usage": True}}, "stream_options"),
    "n 0": ({"n": 0}, "n"),
    "n 9": ({"n": 9}, "n"),
    "five stops": ({"stop": list("abcde")}, "stop"),
    "an empty stop": ({"stop": ""}, "stop"),
    "max_tokens 0": ({"max_tokens": 0}, "max_tokens"),
    "max_completion_tokens 0": ({"max_completion_tokens": 0}, "max_completion_tokens"),
    "too hot": ({"temperature": 2.1}, "temperature"),
    "top_p above one": ({"top_p": 1.1}, "top_p"),
    "a choice without tools": ({"tool_choice": "auto"}, "tool_choice"),
    "an unknown choice": ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice"),
    "a tool without a name": ({"tools": [{"type": "function", "function": {}}]}, "tools"),
    "an unknown format": ({"response_format": {"type": "xml"}}, "response_format"),
    "a format without its schema": ({"response_format": {"type": "json_schema"}}, "response_format"),
}


@promise("OPEN-410", OPENAI, assumed={"apikeyorg": "what is refused, and how"}, each=tuple(REFUSED))
def refused(stage: Stage, case: str) -> None:
    """A chat that OpenAI would refuse is refused in the gateway's own shape, costs nothing, and the field is named."""
    fields, param = REFUSED[case]
    for stream in ({}, {"stream": True})[: 1 if "stream" in case else 2]:
        reply = answer_to(stage, Request.json(PATH, {**CHAT, **stream, **fields}), "invalid")
        blamed = str(reply.field("error", "param")).partition(".")[0]
        expect(blamed == param, f"the refusal blames {blamed!r} and should blame {param!r}")
    denied(stage, Request.json(PATH, {**CHAT, "model": "no-such-model-9"}), "no_model", "model")
