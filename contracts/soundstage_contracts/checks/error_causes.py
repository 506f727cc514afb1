"""What brings about each kind of refusal, so that its reply can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.verdict import NotTested

MIB = 2**20
MOST_BODY = {"midsync": MIB, "revidapi": MIB, "apikeyorg": 20 * MIB, "v2gateway": 32 * MIB}
"""The largest body of a create in bytes; an assumption everywhere."""
FORBIDDEN: dict[str, dict[str, Any]] = {
    "midsync": {"scopes": ("api.read",)},
    "apikeyorg": {"models": ("gpt-5-mini",)},
    "v2gateway": {"models": ("sora-2",)},
    "revidapi": {"role": "user"},
}
"""What an account is like that may not do everything."""

Refusal = tuple[Request, Reply]


def _asked(stage: Stage, request: Request, account: Account | None = None) -> Refusal:
    return request, stage.call(request, account)


def create(stage: Stage, **more: Any) -> Request:
    """Return the cheapest create with more fields."""
    return stage.creation().build(PROMPT, **more)


def _unauthorized(stage: Stage) -> Refusal:
    return create(stage), stage.bare(create(stage))


def _forbidden(stage: Stage) -> Refusal:
    if stage.driver.id == "revidapi":
        # Of RevidAPI's paths only those of the tenant's owner are not for everybody (R-REV-210).
        return _asked(stage, Request.get("/v1/dashboard/tenant/users"))
    return _asked(stage, create(stage), stage.account(**FORBIDDEN[stage.driver.id]))


def _too_large(stage: Stage) -> Refusal:
    body = b'{"prompt":"' + b"x" * MOST_BODY[stage.driver.id] + b'"}'
    return _asked(stage, Request.raw(create(stage).path, body, "application/json"))


def _rate(stage: Stage) -> Refusal:
    account = stage.account(limits={"requests_per_minute": 1})
    stage.call(create(stage), account)
    return _asked(stage, create(stage), account)


def _faulty(status: int) -> Callable[[Stage], Refusal]:
    def cause(stage: Stage) -> Refusal:
        stage.adapter.fault(stage.someone, "http/status", status=status)
        return _asked(stage, create(stage))

    return cause


CAUSES: dict[str, Callable[[Stage], Refusal]] = {
    "invalid": lambda stage: _asked(stage, Request.json(create(stage).path, {})),
    "unauthorized": _unauthorized,
    "credits": lambda stage: _asked(stage, create(stage), stage.account(balance=0)),
    "over_budget": lambda stage: _asked(stage, create(stage, max_credits=1)),
    "forbidden": _forbidden,
    "model_forbidden": _forbidden,
    "address_forbidden": lambda stage: _asked(stage, create(stage), stage.account(ip_allowlist=("192.0.2.1",))),
    "not_found": lambda stage: _asked(stage, stage.driver.poll("task_000000000000000000000000", stage.creation())),
    "no_task": lambda stage: _asked(stage, stage.driver.poll("task_000000000000000000000000", stage.creation())),
    "no_model": lambda stage: _asked(stage, create(stage, model="no-such-model")),
    "no_path": lambda stage: _asked(stage, Request.get("/v1/nothing-here")),
    "scope": lambda stage: _asked(stage, Request.json("/v2/smells/generations", {"prompt": PROMPT, "model": "m"})),
    "method": lambda stage: _asked(stage, Request("DELETE", create(stage).path)),
    "too_large": _too_large,
    "media_type": lambda stage: _asked(stage, Request.raw(create(stage).path, b"prompt=boat", "text/plain")),
    "rate": _rate,
    "internal": _faulty(500),
    "unavailable": _faulty(503),
}


def bring_about(stage: Stage, kind: str) -> Refusal:
    """Return a request that is refused as this kind, and its reply; raises NotTested where no cause is known."""
    if kind not in CAUSES:
        raise NotTested(f"nobody knows how to bring about {kind}")
    return CAUSES[kind](stage)
