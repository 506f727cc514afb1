"""Fault rules as the admin API shows them: in the shape they were written in, without keys and secrets."""

from typing import Any, Final

from soundstage.core.bent import shown_parameters
from soundstage.core.clock import iso
from soundstage.core.rules import Rule

_MOST_SECONDS_AS_TEXT: Final = 999_999_999


def rule_view(rule: Rule, counted: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """Return a rule as the admin API shows it, in the shape it was written in; counts are (matched, applied)."""
    aim = rule.aim
    plain = ("provider", "operation", "model", "nth", "first", "every", "probability", "times")
    when: dict[str, Any] = {name: getattr(aim, name) for name in plain if getattr(aim, name) is not None}
    if aim.keys is not None:
        when["key"] = aim.keys[0] if len(aim.keys) == 1 else list(aim.keys)
    if aim.fields:
        when["fields"] = dict(aim.fields)
    bounds = {"from": _bound(aim.since, aim.after_ms), "until": _bound(aim.until, aim.before_ms)}
    when |= {name: bound for name, bound in bounds.items() if bound is not None}
    matched, applied = counted
    return {
        "id": rule.id,
        "fault": rule.fault,
        "with": shown_parameters(rule.params),
        "when": when,
        "origin": rule.origin,
        "matched": matched,
        "applied": applied,
    }


def _bound(instant: int | None, span: int | None) -> str | int | float | None:
    if instant is not None:
        return iso(instant)
    if span is None:
        return None
    seconds = span // 1000 if span % 1000 == 0 else span / 1000
    return f"{seconds}s" if seconds <= _MOST_SECONDS_AS_TEXT else seconds
