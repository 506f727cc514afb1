"""What the fuzz needs to know of each provider beyond its document: accounts, where tasks are polled, its books."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fuzz.books import Books, Open, agree
from fuzz.compose import Made
from fuzz.costs import MICROS
from fuzz.revid import RevidBooks
from fuzz.submits import SubmitBooks
from fuzz.talk import Came

RICH = "rich"


class PointsBooks(Books):
    """MidSync's accounts: its replies name the points, and a task costs all of them or nothing."""

    def note(self, made: Made, came: Came) -> None:
        """Enter one successful create; its other form names no price, so `reserved` waits for the ledger."""
        if came.status != 200 or made.method != "POST" or made.operation in {None, "quoteVideo"}:
            return
        body = json.loads(came.raw)
        points = round(body["pointsCharged"] * MICROS) if "pointsCharged" in body else -1
        task_id = body.get("taskId") or body["task_id"]
        self.tasks[task_id] = Open(made.account or "?", {}, points, points)

    def polled(self, task_id: str, body: Mapping[str, Any]) -> None:
        """Enter where a task is now."""
        task = self.tasks[task_id]
        if body["status"] == "failed":
            task.charged = 0
        elif body["status"] == "completed":
            agree(f"charge of {task_id}", task.charged, task.reserved)


@dataclass(frozen=True)
class Profile:
    """One provider: registrations of its accounts, how often each asks, where a task is polled, its books,
    and whether a key may come as `x-api-key`.
    """

    accounts: Mapping[str, Mapping[str, Any]]
    weights: Mapping[str, int]
    poll: str
    books: Callable[[], Books]
    x_api_key: bool


_COMMON: Mapping[str, Mapping[str, Any]] = {
    RICH: {"balance": "1000000"},
    "poor": {"balance": "30"},
    "walled": {"ip_allowlist": ["10.1.2.0/24", "2001:db8::/32"]},
    "limited": {"limits": {"requests_per_minute": 5}},
    "revoked": {"revoked": True},
}
_WEIGHTS: Mapping[str, int] = {RICH: 80, "poor": 10, "walled": 2, "limited": 3, "revoked": 2}

_PLACES = {"total_concurrent": 6, "image_concurrent": 3, "video_concurrent": 4, "queue": 9}

PROFILES: Mapping[str, Profile] = {
    "apikeyorg": Profile(
        accounts={**_COMMON, "narrow": {"models": ["seedance-2-fast", "gpt-5-mini", "text-embedding-3-small"]}},
        weights={**_WEIGHTS, "narrow": 4},
        poll="/v1/tasks/{id}",
        books=Books,
        x_api_key=True,
    ),
    "midsync": Profile(
        accounts={**_COMMON, "narrow": {"scopes": []}},
        weights={**_WEIGHTS, "narrow": 4},
        poll="/unified-video/{id}/status",
        books=PointsBooks,
        x_api_key=False,
    ),
    "revidapi": Profile(
        accounts={
            **_COMMON,
            RICH: {"balance": "1000000", "limits": _PLACES, "role": "tenant_owner"},
            "alone": {"balance": "9000", "type": "standalone", "plan": "starter"},
            "narrow": {"models": ["image-4.0", "kling-2.6", "kling-avatar"], "plan": "business"},
        },
        weights={**_WEIGHTS, "alone": 8, "narrow": 4},
        poll="/v1/jobs/{id}",
        books=RevidBooks,
        x_api_key=False,
    ),
    "v2gateway": Profile(
        accounts={**_COMMON, "narrow": {"models": ["veo3"], "balance": "500", "plan": "six-states"}},
        weights={**_WEIGHTS, "narrow": 6},
        poll="/v2/{place}/generations/{id}",
        books=SubmitBooks,
        x_api_key=False,
    ),
}
