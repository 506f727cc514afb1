"""How each provider takes a task, shows it and calls back: one row a provider, for every test that goes through all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.client import KLING, PROMPT, TASKS


@dataclass(frozen=True)
class Way:
    """One provider: a create call and its field for a callback URL (none: ""), a poll, and what a task is called.

    `waiting` and `words` (running, succeeded, failed) are what polls and callbacks say of it.
    """

    provider: str
    create: str
    body: Mapping[str, Any]
    hook: str
    poll: str
    waiting: str
    words: tuple[str, str, str]
    reply_id: str


MIDSYNC = Way(
    "midsync",
    "/v1/videos/generations",
    KLING,
    "callbackUrl",
    "/unified-video/{}/status",
    "submitted",
    ("processing", "completed", "failed"),
    "taskId",
)
GATEWAY = Way(
    "apikeyorg",
    *TASKS["video"],
    "callback_url",
    "/v1/tasks/{}",
    "pending",
    ("processing", "completed", "failed"),
    "task_id",
)
REVID = Way(
    "revidapi",
    "/v1/image/generate",
    {"model": "image-4.0", "prompt": PROMPT},
    "",
    "/v1/jobs/{}",
    "pending",
    ("processing", "completed", "failed"),
    "job_id",
)
UNSIGNED = Way(
    "v2gateway",
    "/v2/videos/generations",
    {"model": "veo3", "prompt": PROMPT},
    "notify_hook",
    "/v2/videos/generations/{}",
    "NOT_START",
    ("IN_PROGRESS", "SUCCESS", "FAILURE"),
    "task_id",
)
WAYS: Mapping[str, Way] = {way.provider: way for way in (MIDSYNC, GATEWAY, REVID, UNSIGNED)}
PROVIDERS = tuple(WAYS)
# Who calls back.
CALLERS = tuple(way.provider for way in WAYS.values() if way.hook)
CREATES: Mapping[str, tuple[str, Mapping[str, Any]]] = {way.provider: (way.create, way.body) for way in WAYS.values()}
