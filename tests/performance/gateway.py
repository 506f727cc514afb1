"""The measurement of the other providers: creates and chat against base, and how soon a stream begins."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

from load import Result, request
from results import Bar, Row
from sections import Plan, both, in_turn
from targets import Target

PROMPT = "A cinematic product launch video with smooth camera motion"
VIDEO: dict[str, Any] = {"model": "seedance-2", "prompt": PROMPT, "max_credits": 250}
CHAT: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "What is a sound stage, and why would anybody build one?"},
    ],
}
IMAGE: dict[str, Any] = {"model": "nano-banana-pro", "prompt": PROMPT}
FIRST_BYTES = 200
"""Plain answers, and beginnings of streams, timed in a round."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One operation under load: whose it is, its path and its body."""

    title: str
    provider: str
    path: str
    body: dict[str, Any]


KINDS = (
    Kind("API-Key create", "apikeyorg", "/v1/videos", VIDEO),
    Kind("API-Key chat", "apikeyorg", "/v1/chat/completions", CHAT),
    Kind("RevidAPI create", "revidapi", "/v1/image/generate", IMAGE),
)


def gateway(plan: Plan) -> list[Row]:
    """Requests per second at 64 connections, and the first byte of a stream beside the whole plain answer."""
    rows = {kind: Row(f"{kind.title}, 64 connections", "requests/s", Bar(0.72, at_least=True)) for kind in KINDS}
    first = Row("API-Key chat, first byte of a stream; base: the plain answer", "ms", Bar(2.0))
    first.note = "one connection; both from Soundstage, in turn."
    with both(plan) as pair:
        keys = {provider: pair[1].register(provider) for provider in sorted({kind.provider for kind in KINDS})}
        for turn in range(plan.rounds):
            for kind, row in rows.items():
                key = keys[kind.provider]
                rates = {target.name: loaded(target, kind, key, plan.seconds).rate for target in in_turn(pair, turn)}
                row.add(rates[pair[0].name], rates[pair[1].name])
            first.add(*beginnings(pair[1], keys["apikeyorg"]))
    return [*rows.values(), first]


def loaded(target: Target, kind: Kind, key: str, seconds: float) -> Result:
    """One round of load on one path."""
    path = f"/{kind.provider}{kind.path}" if target.prefix else kind.path
    return target.load([request("POST", path, target.server.port, json.dumps(kind.body), key)], 64, seconds)


def beginnings(target: Target, key: str) -> tuple[float, float]:
    """Medians in milliseconds: a plain answer read whole, and the first byte of a streamed one."""
    path = f"{'/apikeyorg' if target.prefix else ''}/v1/chat/completions"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client = http.client.HTTPConnection("127.0.0.1", target.server.port, timeout=30)
    times: dict[bool, list[float]] = {False: [], True: []}
    try:
        for number in range(2 * FIRST_BYTES):
            stream = number % 2 == 1
            body = json.dumps({**CHAT, "stream": stream})
            began = time.perf_counter()
            client.request("POST", path, body, headers)
            reply = client.getresponse()
            first = reply.read(1) if stream else reply.read()
            times[stream].append(1000 * (time.perf_counter() - began))
            if reply.status != 200 or not first:
                raise RuntimeError(f"POST {path} answered {reply.status}")
            reply.read()
    finally:
        client.close()
    return statistics.median(times[False]), statistics.median(times[True])
