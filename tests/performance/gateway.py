"""The measurement of API-Key: task creates and chat against base, and how soon a stream begins."""

from __future__ import annotations

import http.client
import json
import statistics
import time
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
BODIES = {"/v1/videos": VIDEO, "/v1/chat/completions": CHAT}
FIRST_BYTES = 200
"""Plain answers, and beginnings of streams, timed in a round."""


def gateway(plan: Plan) -> list[Row]:
    """Requests per second at 64 connections, and the first byte of a stream beside the whole plain answer."""
    rows = {
        path: Row(f"API-Key {title}, 64 connections", "requests/s", Bar(0.72, at_least=True))
        for path, title in (("/v1/videos", "create"), ("/v1/chat/completions", "chat"))
    }
    first = Row("API-Key chat, first byte of a stream; base: the plain answer", "ms", Bar(2.0))
    first.note = "one connection; both from Soundstage, in turn."
    with both(plan) as pair:
        key = pair[1].register("apikeyorg")
        for turn in range(plan.rounds):
            for path, row in rows.items():
                rates = {target.name: loaded(target, path, key, plan.seconds).rate for target in in_turn(pair, turn)}
                row.add(rates[pair[0].name], rates[pair[1].name])
            first.add(*beginnings(pair[1], key))
    return [*rows.values(), first]


def prefix_of(target: Target) -> str:
    """Where a target serves API-Key's paths."""
    return "/apikeyorg" if target.prefix else ""


def loaded(target: Target, path: str, key: str, seconds: float) -> Result:
    """One round of load on one path."""
    body = json.dumps(BODIES[path])
    return target.load([request("POST", prefix_of(target) + path, target.server.port, body, key)], 64, seconds)


def beginnings(target: Target, key: str) -> tuple[float, float]:
    """Medians in milliseconds: a plain answer read whole, and the first byte of a streamed one."""
    path = f"{prefix_of(target)}/v1/chat/completions"
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
