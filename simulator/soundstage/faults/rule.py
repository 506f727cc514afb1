"""A fault rule as people write it, in a scenario file, over the admin API or from a test: one shape everywhere."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from soundstage.core.bent import SECRETS
from soundstage.core.clock import parse_iso
from soundstage.core.fitness import why_inert
from soundstage.core.provider import ROLES, Provider
from soundstage.core.rules import Aim, Rule
from soundstage.core.universe import key_id_of
from soundstage.faults import Faults
from soundstage.faults.spans import span_ms
from soundstage.validation import Path, did_you_mean, meant, no_such_key, place, sentence, shown
from soundstage.validation import where as written

_KEY_ID: Final = re.compile(r"key_[0-9a-f]{16}")
_LONGEST_MS: Final = 36_525 * 86_400_000
_LATEST: Final = parse_iso("9000-01-01")
# What a span's text may have of digits; a longer one is shown as the number of its seconds.
_MOST_PARTS: Final = 20
# Parameters whose values are for nobody's eyes.
Text = Annotated[str, Field(min_length=1, max_length=200)]
Scalar = Annotated[str, Field(max_length=2000)] | int | float | bool | None
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


def moment(given: str | int | float | None) -> tuple[int | None, int | None]:
    """Return (instant, span) in milliseconds, one of them or none; a number is a span in seconds.

    Raises ValueError for any other text, for a span of more than 100 years, and for an instant no clock here can show.
    """
    if given is None:
        return None, None
    try:
        span = span_ms(given) if isinstance(given, str) else given * 1000
        if span is None:
            return _within(parse_iso(str(given)), _LATEST), None
        return None, _within(span, _LONGEST_MS)
    except ValueError:
        allowed = "a span such as 30s, 10m or 1.5h of at most 100 years, or an instant such as 2026-01-01T00:00:00Z"
        raise ValueError(f"must be {allowed} from 1970 to 9000, got {shown(given)}") from None


def _within(given: float, most: int) -> int:
    if not 0 <= given <= most:
        raise ValueError
    return int(given)


def _as_moment(given: str | int | float | None) -> str | int | float | None:
    moment(given)
    return given


Moment = Annotated[str | int | float | None, AfterValidator(_as_moment)]


def _few(given: Any) -> Any:
    """Refuse what has too many parts before anybody looks at each of them."""
    if isinstance(given, list | Mapping) and len(given) > _MOST_PARTS:
        raise ValueError(f"must have at most {_MOST_PARTS} items, got {len(given)}")
    return given


Few = BeforeValidator(_few)


class When(BaseModel):
    """What a rule is aimed at; what is left out may be anything. At most one of nth, first and every."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    provider: Text | None = Field(default=None, description="a provider's id")
    operation: Text | None = Field(default=None, description=f"an operation's id, or one of {', '.join(ROLES)}")
    model: Text | None = Field(default=None, description="a model's id; * stands for anything")
    key: Annotated[Text | list[Text] | None, Few] = Field(
        default=None, description="an API key or the id of one, or several"
    )
    fields: Annotated[dict[Text, Scalar], Few] = Field(default={}, description="values in the request's body, by path")
    nth: Count | None = Field(default=None, description="only the nth call that matches")
    first: Count | None = Field(default=None, description="only the first so many calls that match")
    every: Count | None = Field(default=None, description="every nth call that matches")
    probability: float | None = Field(default=None, ge=0, le=1, strict=False, description="a share of what matches")
    from_: Moment = Field(default=None, alias="from", description="an instant, or a span such as 30s")
    until: Moment = Field(default=None, description="an instant, or a span such as 10m")
    times: Count | None = Field(default=None, description="how often it acts before it is spent")

    few = model_validator(mode="before")(_few)

    @field_validator("first", "every")
    @classmethod
    def _one_count(cls, count: int | None, info: ValidationInfo) -> int | None:
        # Fields are read in their order, so each sees those above it.
        given = [name for name in ("nth", "first") if info.data.get(name) is not None]
        if count is not None and given:
            raise ValueError(f"{' and '.join([*given, str(info.field_name)])} exclude each other; keep one of them")
        return count


class RuleBody(BaseModel):
    """A fault, its own parameters and its aim."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    fault: Text
    with_: Annotated[dict[str, Any], Few] = Field(default={}, alias="with")
    when: When = When()

    few = model_validator(mode="before")(_few)


def rule_from(body: RuleBody, faults: Faults, providers: Mapping[str, Provider], *, name: str, origin: str) -> Rule:
    """Return a rule ready to act; `name` tells it apart from others of its origin.

    Raises ValueError that says what is allowed and what came.
    """
    for where, said in problems_of(body.model_dump(by_alias=True, exclude_unset=True), faults, providers):
        # What is said of a parameter names it, with its fault.
        raise ValueError(said if where[0] == "with" and len(where) > 1 else f"{place(where)}: {said}")
    return rule_of(body, faults, providers, name=name, origin=origin)


def rule_of(body: RuleBody, faults: Faults, providers: Mapping[str, Provider], *, name: str, origin: str) -> Rule:
    """Return a rule ready to act, of a body that `problems_of` has nothing to say about."""
    applied = faults.checked(body.fault, body.with_, origin)
    return Rule(name, body.fault, applied.params, _aim(body.when, providers), origin)


def _aim(when: When, providers: Iterable[str]) -> Aim:
    since, after_ms = moment(when.from_)
    until, before_ms = moment(when.until)
    return Aim(
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


def problems_of(body: Mapping[str, Any], faults: Faults, providers: Mapping[str, Provider]) -> list[tuple[Path, str]]:
    """Return everything that is wrong with a rule as it was written: the place of each mistake and a sentence.

    What is said of a parameter names it and its fault, other sentences leave their subject to the place.
    """
    found = [(where, _said(where, errors)) for where, errors in _mistakes(RuleBody, body)]
    when, params = body.get("when"), body.get("with", {})
    if isinstance(when, Mapping):
        found += _of_aim(when.get("provider"), when.get("operation"), providers)
    if isinstance(body.get("fault"), str):
        unread = not isinstance(params, Mapping) or len(params) > _MOST_PARTS
        found += _of_fault(body["fault"], {} if unread else params, faults)
    return found or _of_both(RuleBody.model_validate(body), faults, providers)


def _of_both(body: RuleBody, faults: Faults, providers: Mapping[str, Provider]) -> list[tuple[Path, str]]:
    """Return why a rule that says nothing wrong can never act, at what is to be changed, or nothing."""
    kind, aim = faults[body.fault], _aim(body.when, providers)
    reason = why_inert(kind, aim, providers.values())
    if reason is None:
        return []
    timeless = aim._replace(since=None, until=None, after_ms=None, before_ms=None)
    if why_inert(kind, timeless, providers.values()) is None:
        word = "until"
    else:
        word = "provider" if body.when.operation is None else "operation"
    return [(("when", word), f"{body.fault} can never act: {reason}")]


def names_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of a model's fields as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _mistakes(model: type[BaseModel], given: Mapping[str, Any]) -> list[tuple[Path, list[ErrorDetails]]]:
    found: dict[Path, list[ErrorDetails]] = {}
    try:
        model.model_validate(given)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            found.setdefault(written(one, given), []).append(one)
    return list(found.items())


def _said(where: Path, errors: list[ErrorDetails]) -> str:
    if errors[0]["type"] == "extra_forbidden":
        return no_such_key(str(where[-1]), names_of(When if where[0] == "when" else RuleBody))
    # A key's text is not for logs and terminals, nor is one that stands where the whole aim should.
    return sentence(errors, secret=where[:2] == ("when", "key") or where == ("when",))


def _of_aim(provider: Any, operation: Any, providers: Mapping[str, Provider]) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    asked = list(providers)
    if isinstance(provider, str) and provider in providers:
        asked = [provider]
    elif isinstance(provider, str):
        said = f"must be one of {', '.join(asked)}, got {shown(provider)}{did_you_mean(provider, asked)}"
        found.append((("when", "provider"), said))
    if isinstance(operation, str) and operation not in ROLES:
        known = [*ROLES, *sorted({one.id for name in asked for one in providers[name].operations})]
        allowed = f"{', '.join(ROLES)}, or an operation's id"
        said = f"must be one of {allowed}, got {shown(operation)}{did_you_mean(operation, known)}"
        found += [] if operation in known else [(("when", "operation"), said)]
    return found


def _of_fault(fault: str, params: Mapping[str, Any], faults: Faults) -> list[tuple[Path, str]]:
    if fault not in faults:
        return [(("fault",), _no_such_fault(fault, faults))]
    found: list[tuple[Path, str]] = []
    kind, known = faults[fault], names_of(faults[fault])
    for where, errors in _mistakes(kind, params):
        said, here = sentence(errors, secret=not SECRETS.isdisjoint(where)), where
        if errors[0]["type"] == "extra_forbidden":
            name = str(where[-1])
            said = f"{fault} has no parameter {name[:60]!r}{meant(name, known)}; it has {', '.join(known) or 'none'}"
        elif errors[0]["type"] == "value_error":
            # A model says of itself, or of a field, what begins with a parameter's name.
            subject = said.partition(" ")[0]
            here = where or ((subject,) if subject in params else ())
            said = f"{fault}: {said}"
        else:
            said = f"{fault}: {place(where)} {said}"
        found.append((("with", *here), said))
    return found


def _no_such_fault(name: str, faults: Faults) -> str:
    try:
        faults.checked(name, {}, "")
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{name} is a fault")


def _keys(given: str | list[str], providers: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of keys, which say nothing about their texts: those are not kept."""
    if isinstance(given, list):
        return tuple(key_id for one in given for key_id in _keys(one, providers))
    return (given,) if _KEY_ID.fullmatch(given) else tuple(key_id_of(provider, given) for provider in providers)
