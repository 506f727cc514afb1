"""Which trials there are: made from the catalogue of faults and what a provider can do, not from a list."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from json import dumps
from typing import Any, Final, NamedTuple

from soundstage.core.fitness import unfit_for_provider
from soundstage.core.provider import Provider, Role
from soundstage.faults import Fault, Faults
from soundstage.scenarios import ScenarioError, load

# Where a fault may meet any call, these are the calls that matter: what costs, and what tells how it went.
_USUAL_ROLES: Final[tuple[Role, ...]] = ("create", "poll", "completion")


class Trial(NamedTuple):
    """One run of the command: its name, the scenario in force, the call it is aimed at (None: no call of its own)."""

    name: str
    scenario: Mapping[str, Any]
    role: Role | None = None
    place: str = "exchange"
    flag: str = "--faults"


class LeftOut(NamedTuple):
    """A fault that is not tried, and why."""

    name: str
    reason: str


class Plan(NamedTuple):
    """What is tried and what is not, each in the order in which it is reported."""

    trials: tuple[Trial, ...]
    left_out: tuple[LeftOut, ...]


def plan(
    provider: Provider,
    providers: Mapping[str, Provider],
    patterns: Sequence[str] = (),
    scenarios: Sequence[str] = (),
) -> Plan:
    """Return the trials whose names match a pattern, and those of the scenarios; without either, every fault's.

    Raises ValueError for a pattern that matches nothing and a scenario that cannot be used.
    """
    faults = Faults()
    trials: list[Trial] = []
    left_out: list[LeftOut] = []
    for name in faults if patterns or not scenarios else ():
        reason = _unfit(faults[name], provider)
        if reason is None:
            trials += [trial for trial in _of_fault(name, faults[name], provider) if _chosen(trial.name, patterns)]
        elif _chosen(name, patterns):
            left_out.append(LeftOut(name, reason))
    _check(patterns, [*(one.name for one in trials), *(one.name for one in left_out)])
    return Plan((*trials, *(_of_scenario(name, faults, providers) for name in scenarios)), tuple(left_out))


def _unfit(kind: type[Fault], provider: Provider) -> str | None:
    """Return why a fault can mean nothing for a provider, None where it can."""
    roles = {operation.role for operation in provider.operations}
    if kind.roles and not kind.roles & roles:
        return f"{provider.title} has no {' or '.join(sorted(kind.roles))} calls"
    return unfit_for_provider(kind, provider)


def _of_fault(name: str, kind: type[Fault], provider: Provider) -> Iterator[Trial]:
    """Yield the trials of one fault: for each set of parameters worth trying, one for each call it may meet."""
    offered = {operation.role for operation in provider.operations}
    wanted = sorted(kind.roles) if kind.roles else _USUAL_ROLES
    roles: list[Role | None] = [role for role in wanted if role in offered] if kind.place == "exchange" else [None]
    for given in kind.trials or ({},):
        for role in roles:
            label = "".join(
                f",{field}={value if isinstance(value, str) else dumps(value)}" for field, value in given.items()
            )
            # Once: whoever recovers from it finds the rest of the world as it should be.
            when: dict[str, Any] = {"provider": provider.id, "nth": 1} | ({} if role is None else {"operation": role})
            if kind.place == "task" and "callback" in kind.needs and provider.shape.callback_url is not None:
                when["fields"] = {provider.shape.callback_url: "*"}
            rule = {"fault": name, "with": dict(given), "when": when}
            document = {"name": "trial", "description": f"One trial of {name}.", "faults": [rule]}
            yield Trial(f"{name}{label}{f'@{role}' if role else ''}", document, role, kind.place)


def _of_scenario(given: str, faults: Faults, providers: Mapping[str, Provider]) -> Trial:
    try:
        found = load(given, faults, providers)
    except ScenarioError as error:
        raise ValueError(str(error)) from None
    return Trial(given, found.document, place="scenario", flag="--scenario")


def _chosen(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(_fits(name, pattern) for pattern in patterns)


def _fits(name: str, pattern: str) -> bool:
    """Tell whether a pattern names a trial, or the fault it tries whatever its parameters and its aim."""
    fault = name.partition("@")[0].partition(",")[0]
    return fnmatchcase(name, pattern) or fnmatchcase(fault, pattern)


def _check(patterns: Sequence[str], names: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in names):
            known = ", ".join(dict.fromkeys(name.partition("@")[0].partition(",")[0] for name in names or Faults()))
            raise ValueError(f"no fault matches {pattern!r}; there are {known}")
