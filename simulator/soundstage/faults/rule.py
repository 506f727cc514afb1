"""A fault rule as people write it, in a scenario file, over the admin API or from a test: one shape everywhere."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from soundstage.core.clock import iso, parse_iso
from soundstage.core.provider import ROLES, Provider
from soundstage.core.rules import Aim, Rule
from soundstage.core.universe import key_id_of
from soundstage.faults import Faults

_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_KEY_ID: Final = re.compile(r"key_[0-9a-f]{16}")
Text = Annotated[str, Field(min_length=1, max_length=200)]
Scalar = str | int | float | bool | None


def moment(given: str | int | float | None) -> tuple[int | None, int | None]:
    """Return (instant, span) in milliseconds, one of them or none; a number is a span in seconds.

    Raises ValueError for any other text.
    """
    if given is None:
        return None, None
    if not isinstance(given, str):
        return None, int(given * 1000)
    span = _SPAN.fullmatch(given)
    if span is not None:
        return None, int(float(span[1]) * _UNITS[span[2]])
    try:
        return parse_iso(given), None
    except ValueError:
        raise ValueError(f"a time is a span such as 30s or 10m, or an ISO instant, got {given[:40]!r}") from None


class When(BaseModel):
    """What a rule is aimed at; what is left out may be anything. At most one of nth, first and every."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    provider: Text | None = Field(default=None, description="a provider's id")
    operation: Text | None = Field(default=None, description=f"an operation's id, or one of {', '.join(ROLES)}")
    model: Text | None = Field(default=None, description="a model's id; * stands for anything")
    key: Text | list[Text] | None = Field(
        default=None, description="an API key or the id of one, or several"
    )
    fields: dict[Text, Scalar] = Field(default={}, max_length=20, description="values in the request's body, by path")
    nth: int | None = Field(default=None, ge=1, description="only the nth call that matches")
    first: int | None = Field(default=None, ge=1, description="only the first so many calls that match")
    every: int | None = Field(default=None, ge=1, description="every nth call that matches")
    probability: float | None = Field(default=None, ge=0, le=1, strict=False, description="a share of what matches")
    from_: str | int | float | None = Field(default=None, alias="from", description="an instant, or a span such as 30s")
    until: str | int | float | None = Field(default=None, description="an instant, or a span such as 10m")
    times: int | None = Field(default=None, ge=1, description="how often it acts before it is spent")

    @model_validator(mode="after")
    def _one_count(self) -> "When":
        given = [name for name in ("nth", "first", "every") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one")
        for name in ("from_", "until"):
            moment(getattr(self, name))
        return self


class RuleBody(BaseModel):
    """A fault, its own parameters and its aim."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    fault: Text
    with_: dict[str, Any] = Field(default={}, alias="with")
    when: When = When()


def rule_from(body: RuleBody, faults: Faults, providers: Mapping[str, Provider], *, name: str, origin: str) -> Rule:
    """Return a rule ready to act; `name` tells it apart from others of its origin.

    Raises ValueError that says what is allowed and what came.
    """
    applied = faults.checked(body.fault, body.with_, origin)
    when = body.when
    _check_names(when, providers)
    since, after_ms = moment(when.from_)
    until, before_ms = moment(when.until)
    aim = Aim(
        provider=when.provider,
        operation=when.operation,
        model=when.model,
        keys=None if when.key is None else _keys(when.key, providers),
        fields=tuple(when.fields.items()),
        since=since,
        until=until,
        after_ms=after_ms,
        before_ms=before_ms,
        nth=when.nth,
        first=when.first,
        every=when.every,
        probability=when.probability,
        times=when.times,
    )
    return Rule(name, body.fault, applied.params, aim, origin)


def _check_names(when: When, providers: Mapping[str, Provider]) -> None:
    if when.provider is not None and when.provider not in providers:
        raise ValueError(f"provider must be one of {', '.join(providers)}, got {when.provider[:60]!r}")
    if when.operation is None or when.operation in ROLES:
        return
    asked = [providers[when.provider]] if when.provider is not None else list(providers.values())
    known = sorted({operation.id for provider in asked for operation in provider.operations})
    if when.operation not in known:
        raise ValueError(
            f"operation must be one of {', '.join(ROLES)}, or an operation's id ({', '.join(known)}), "
            f"got {when.operation[:60]!r}"
        )


def _keys(given: str | list[str], providers: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of keys, which say nothing about their texts: those are not kept."""
    if isinstance(given, list):
        return tuple(key_id for one in given for key_id in _keys(one, providers))
    return (given,) if _KEY_ID.fullmatch(given) else tuple(key_id_of(provider, given) for provider in providers)


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
        "with": orjson.loads(rule.params),
        "when": when,
        "origin": rule.origin,
        "matched": matched,
        "applied": applied,
    }


def _bound(instant: int | None, span: int | None) -> str | None:
    if instant is not None:
        return iso(instant)
    return None if span is None else f"{span / 1000:g}s"
