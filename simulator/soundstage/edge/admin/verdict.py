"""The verdict: what an app believes about its tasks, held against what is true."""

from typing import Any

from pydantic import Field

from soundstage.core.money import decimal_text
from soundstage.core.verdict import Belief, Finding, Outcome, judge
from soundstage.edge.admin.context import AdminBody, AdminCall, Answer, Route
from soundstage.edge.admin.new_keys import amount_of


class Believed(AdminBody):
    """What an app believes about one task: its outcome and, where it keeps count, the credits it paid."""

    task_id: str = Field(min_length=1, max_length=200)
    outcome: Outcome
    credits: str | int | None = None


class Beliefs(AdminBody):
    """Everything an app believes; without it only what needs no word of the app is told."""

    believes: list[Believed] | None = Field(default=None, max_length=100_000)


async def verdict(call: AdminCall) -> Answer:
    """Compare what an app believes with the truth: orphans, double charges, lost refunds, forged callbacks taken."""
    wanted = call.read(Beliefs)
    beliefs = None if wanted.believes is None else [_belief(one) for one in wanted.believes]
    found = [await call.world.run(universe, lambda tx: judge(tx, beliefs)) for universe in call.writable()]
    return 200, call.answer([{"ok": not one, "findings": [_shown(finding) for finding in one]} for one in found])


def _belief(given: Believed) -> Belief:
    return Belief(given.task_id, given.outcome, None if given.credits is None else amount_of(given.credits))


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "message": finding.message,
        "task_id": finding.task_id,
        "credits": decimal_text(finding.micros),
    }


ROUTES = (Route("POST", "/__admin/verdict", verdict, "Compare what an app believes with the truth", Beliefs),)
