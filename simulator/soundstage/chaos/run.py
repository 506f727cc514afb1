"""Runs the command once without any fault and once for each trial, and asks each time what became of it."""

import asyncio
import json
import os
import shlex
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from soundstage.chaos import child
from soundstage.chaos.judge import Judgement, judge
from soundstage.chaos.plan import Trial
from soundstage.core.clock import Mode, stopwatch
from soundstage.core.provider import Provider, Role
from soundstage.core.randomness import Draw
from soundstage.testing import Server, Soundstage

Outcome = Literal["survived", "caught", "not met", "not run"]
BASELINE: Final = "(no fault)"
TIME_OUT, EXIT_CODE = "time-out", "exit-code"
_NO_SCENARIO: Final[Mapping[str, Any]] = {"name": "none", "description": "Nothing goes wrong.", "faults": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all trials share: `timeout` is in seconds, `env` names and templates, `ignore` what does not count."""

    provider: Provider
    command: tuple[str, ...]
    seed: int = 0
    clock: Mode = "scaled"
    speed: float = 1000.0
    timeout: float = 60.0
    jobs: int = 1
    env: tuple[tuple[str, str], ...] = ()
    ignore: frozenset[str] = frozenset()


class Result(NamedTuple):
    """How one run ended: by name what it was caught by, its exit code (None: over time), and what tells more."""

    name: str
    outcome: Outcome
    caught_by: tuple[str, ...] = ()
    code: int | None = None
    findings: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    output: str = ""
    timeline: tuple[str, ...] = ()
    seconds: float = 0.0


class Met(NamedTuple):
    """What the command does when nothing goes wrong: the calls it makes, and whether it wants to be called back."""

    roles: frozenset[Role]
    callbacks: bool

    def why_not(self, trial: Trial) -> str | None:
        """Return why a trial can show nothing about this command, None where it may."""
        role = "create" if trial.place in {"task", "callback", "file"} else trial.role
        if role is not None and role not in self.roles:
            return f"the command makes no {role} call"
        if trial.place == "callback" and not self.callbacks:
            return "the command asks for no callback"
        return None


class Matrix:
    """All runs of one command on one server, each in a universe of its own."""

    def __init__(self, setup: Setup, server: Server, folder: Path) -> None:
        self._setup = setup
        self._server = server
        self._folder = folder

    async def baseline(self) -> tuple[Result, Met]:
        """Run the command without any fault, and see what it does."""
        met: list[Met] = []
        result = await self._judged(Trial(BASELINE, _NO_SCENARIO), lambda stages: met.append(self._met(stages)))
        return result, met[0]

    async def trials(
        self, trials: tuple[Trial, ...], met: Met, begun: Callable[[str], None]
    ) -> AsyncGenerator[tuple[int, Result], None]:
        """Yield each trial's place in the plan and its result, as they end; `begun` hears what is being run."""
        turn = asyncio.Semaphore(self._setup.jobs)

        async def one(place: int, trial: Trial) -> tuple[int, Result]:
            reason = met.why_not(trial)
            if reason is not None:
                return place, Result(trial.name, "not met", notes=(reason,))
            async with turn:
                begun(trial.name)
                return place, await self._judged(trial)

        running = [asyncio.create_task(one(place, trial)) for place, trial in enumerate(trials)]
        try:
            for done in asyncio.as_completed(running):
                yield await done
        finally:
            for task in running:
                task.cancel()
            # Each ends its own command first.
            await asyncio.gather(*running, return_exceptions=True)

    async def _judged(self, trial: Trial, look: Callable[[list[Soundstage]], None] = lambda stages: None) -> Result:
        """Run the command in a fresh universe, let `look` look at what is left, judge it, and forget it."""
        stage = await self._open(trial)
        began = stopwatch()
        ended = await child.run(self._setup.command, self._env(stage, trial), self._setup.timeout)
        seconds = stopwatch() - began
        stages = await asyncio.to_thread(self._family, stage)
        await asyncio.to_thread(look, stages)
        judged = await judge(stages, self._beliefs(trial), self._setup.ignore)
        for one in stages:
            await one.aclose()
        return _result(trial, ended, judged, seconds)

    def _family(self, stage: Soundstage) -> list[Soundstage]:
        """Return the trial's universe and those that tests of the command opened beside it, named after it."""
        ids = sorted(one["id"] for one in self._server.line.call("GET", "/universes")["universes"])
        further = (name for name in ids if name.startswith(f"{stage.id}."))
        return [stage, *(Soundstage(self._server.line, {**stage.opened, "id": name}) for name in further)]

    def _met(self, stages: list[Soundstage]) -> Met:
        roles = {one.id: one.role for one in self._setup.provider.operations}
        calls = [one for stage in stages for one in stage.requests.list(provider=self._setup.provider.id)]
        return Met(
            frozenset(roles[one["operation"]] for one in calls if one["operation"] in roles),
            any(stage.callbacks.list() for stage in stages),
        )

    async def _open(self, trial: Trial) -> Soundstage:
        """Open the trial's universe: its name, and with it all that is drawn in it, comes from seed and trial alone."""
        setup = self._setup
        document = self._file(trial, "scenario")
        await asyncio.to_thread(document.write_text, json.dumps(trial.scenario), "utf-8")
        return await asyncio.to_thread(
            self._server.open,
            f"sk_test_chaos{Draw('chaos', str(setup.seed), trial.name).hex('key', 20)}",
            seed=setup.seed,
            clock=setup.clock,
            speed=setup.speed,
            scenario=trial.scenario,
        )

    def _env(self, stage: Soundstage, trial: Trial) -> dict[str, str]:
        setup = self._setup
        name = setup.provider.id
        secret = stage.webhook_secret(name)
        replay = f"seed={setup.seed};clock={setup.clock};speed={setup.speed:g}"
        return {
            **os.environ,
            **stage.env,
            "SOUNDSTAGE_URL": self._server.url,
            "SOUNDSTAGE_KEY": stage.key,
            "SOUNDSTAGE_UNIVERSE": stage.id,
            "SOUNDSTAGE_WEBHOOK_SECRET": secret,
            "SOUNDSTAGE_FAULT": "" if trial.name == BASELINE else trial.name,
            "SOUNDSTAGE_BELIEFS": str(self._beliefs(trial)),
            "SOUNDSTAGE_REPLAY": f"{replay};scenario={self._file(trial, 'scenario')}",
            **{key: stage.expand(text.replace("{webhook_secret}", secret)) for key, text in setup.env},
        }

    def _beliefs(self, trial: Trial) -> Path:
        return self._file(trial, "beliefs")

    def _file(self, trial: Trial, what: str) -> Path:
        return self._folder / f"{Draw('chaos', trial.name).hex('file', 12)}-{what}.json"


def _result(trial: Trial, ended: child.Ended, judged: Judgement, seconds: float) -> Result:
    how = TIME_OUT if ended.code is None else EXIT_CODE
    caught = (() if ended.code == 0 else (how,)) + judged.caught_by
    met = judged.acted or trial.name == BASELINE
    outcome: Outcome = "caught" if caught else "survived" if met else "not met"
    return Result(
        name=trial.name,
        outcome=outcome,
        caught_by=caught,
        code=ended.code,
        findings=judged.findings,
        warnings=judged.warnings,
        notes=judged.notes,
        output=ended.output,
        timeline=judged.timeline if caught else (),
        seconds=seconds,
    )


def replay(setup: Setup, trial: Trial) -> str:
    """Return the command line that runs one trial again."""
    usual = Setup(provider=setup.provider, command=())
    words = ["soundstage", "chaos", "--provider", setup.provider.id, "--seed", str(setup.seed)]
    for flag, given, default in (
        ("--clock", setup.clock, usual.clock),
        ("--speed", f"{setup.speed:g}", f"{usual.speed:g}"),
        ("--timeout", f"{setup.timeout:g}", f"{usual.timeout:g}"),
    ):
        words += [flag, given] if given != default else []
    for name, text in setup.env:
        words += ["--env", f"{name}={text}"]
    for name in sorted(setup.ignore):
        words += ["--ignore", name]
    return shlex.join([*words, trial.flag, trial.name, "--", *setup.command])
