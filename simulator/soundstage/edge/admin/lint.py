"""The client lint over the journal: what an app does that its provider, or its bill, would not forgive."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from soundstage.core.journal import Exchange
from soundstage.core.lint import RULES, Finding, Rule, lint
from soundstage.core.talk import Talk
from soundstage.core.universe import find_universe
from soundstage.edge.admin.context import AdminCall, AdminError, Answer, Route, readable


async def show(call: AdminCall) -> Answer:
    """List what the calls in the journal show of their client; `ignore` names rules to leave out, joined by commas."""
    ignore = _ignored(call)
    talks: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
    for one in reversed(list(call.services.journal.newest())):
        if call.named in {None, one.universe}:
            talks[one.universe, one.provider].append(one)
    known = set(call.world.store.universes())
    findings: list[dict[str, Any]] = []
    for (universe, provider), calls in talks.items():
        span = await _span(call, universe) if universe in known else int
        talk = Talk(call.world.providers[provider], tuple(calls), span)
        findings += [_view(rule, one, universe, provider) for rule, one in lint(talk, ignore)]
    return 200, {"findings": findings}


async def _span(call: AdminCall, universe: str) -> Callable[[int], int]:
    found = await call.world.run(universe, find_universe)
    return int if found is None else found.clock.span


def _ignored(call: AdminCall) -> frozenset[str]:
    named = frozenset(name for name in call.query.get("ignore", "").split(",") if name)
    if not named <= RULES.keys():
        unknown = min(named - RULES.keys())
        raise AdminError(400, "unknown_rule", f"there is no rule {unknown[:40]!r}", f"rules: {', '.join(RULES)}")
    return named


def _view(rule: Rule, found: Finding, universe: str, provider: str) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "level": found.level,
        "message": readable(found.message),
        "requests": list(found.requests),
        "task_id": None if found.task_id is None else readable(found.task_id),
        "universe": universe,
        "provider": provider,
    }


ROUTES = (Route("GET", "/__admin/lint", show, "Find mistakes of the client", query=("ignore",)),)
