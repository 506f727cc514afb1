"""The target of a pytest session: opened by the first item that needs it, and closed when pytest ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from soundstage_contracts.command.listing import families
from soundstage_contracts.command.options import MistakenError, checked, options_of
from soundstage_contracts.command.run import Run
from soundstage_contracts.command.simulator import Simulator
from soundstage_contracts.command.spec import SPECS
from soundstage_contracts.command.surprises import KEPT
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.verdict import Result
from soundstage_contracts.watch import Watcher

SEEN = "seen"
"""The name that stands for a layer of what was watched and guarded, which comes after all others."""


class Session:
    """What a session verifies, and the results of everything that only comes as a whole."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the options; raises pytest's UsageError."""
        try:
            self.provider = checked(config.getoption("provider"), "say whose contract with --provider: ")
            options = options_of(self.provider, {spec.name: _value(config, spec.name) for spec in SPECS})
        except MistakenError as error:
            raise pytest.UsageError(str(error)) from None
        self.own_simulator = config.getoption("base_url") is None
        self.worker: str = getattr(config, "workerinput", {}).get("workerid", "")
        self.options = replace(options, runner=f"-{self.worker}" if self.worker else "")
        if self.options.max_credits and (self.worker or getattr(config.option, "numprocesses", None)):
            raise pytest.UsageError("each worker would spend --max-credits of its own: leave -n out")
        self.layers = self.options.settled().layers
        self.driver = driver_of(self.provider)
        self.collected = 0
        """How many items there are before anything is selected."""
        self.everything = True
        """Whether all of them were selected."""
        self.asked_seen: dict[str, str] = {}
        """The node ids of the selected items of what is watched, by result."""
        self._open = ExitStack()
        self._run: Run | None = None
        self._whole: dict[str, dict[str, Result]] = {}

    @property
    def run(self) -> Run:
        """The run, its front door already knocked at; raises WrongTargetError or NoSimulatorError."""
        if self._run is None:
            host = self._open.enter_context(Simulator()).url if self.own_simulator else ""
            options = replace(self.options, base_url=host + self.options.base_url)
            self._run = self._open.enter_context(Run(options, own_simulator=self.own_simulator))
        return self._run

    @property
    def opened(self) -> bool:
        """Whether any item has needed the target so far."""
        return self._run is not None

    def whole(self, layer: str) -> dict[str, Result]:
        """Return by id the results of what only comes as a whole, which is tried once; SEEN is what was seen so far."""
        if layer not in self._whole:
            results = self.run.seen(everywhere=self.everything) if layer == SEEN else self.run.layer(layer)
            self._whole[layer] = {result.id: result for result in results}
        return self._whole[layer]

    def planned(self) -> Iterator[tuple[str, str]]:
        """Yield layer and id of each result that only comes with a whole layer."""
        if "L0" in self.layers:
            yield from (("L0", self._id(family.number)) for family in families() if family.layer == "L0")
        if "L1" in self.layers:
            yield from self._fuzzed()
        if "L3" in self.layers:
            from soundstage_contracts.layers.model import AGREES, REACHED  # noqa: PLC0415 - only where it is asked for
            from soundstage_contracts.layers.stories import required  # noqa: PLC0415 - as above

            yield "L3", self._id(AGREES)
            yield from (("L3", f"{self._id(REACHED)}[{cell}]") for cell in required(self.driver))

    def _fuzzed(self) -> Iterator[tuple[str, str]]:
        from soundstage_contracts.layers.fuzz import FAMILIES  # noqa: PLC0415 - only where it is asked for
        from soundstage_contracts.layers.kinds import PHASE  # noqa: PLC0415 - as above

        of_operations = [number for number in FAMILIES if number != PHASE.number]
        for operation in Contract(self.provider, assumptions=True).operations:
            yield from (("L1", f"{self._id(number)}[{operation.name}]") for number in of_operations)
        yield "L1", self._id(PHASE.number)

    def watched(self) -> Iterator[str]:
        """Yield the ids of what is watched in every layer, and of what a guard sees."""
        settled = self.options.settled()
        contract = Contract(self.provider, assumptions=settled.assumptions)
        yield from (result.id for result in Watcher(self.driver, contract).results())
        if settled.caps is not None:
            yield self._id(KEPT)

    def _id(self, number: str) -> str:
        return f"{self.driver.prefix}-{number}"

    def close(self) -> None:
        """Let go of everything."""
        self._open.close()


def _value(config: pytest.Config, name: str) -> Any:
    spec = next(one for one in SPECS if one.name == name)
    if spec.in_pytest is None:
        return ()
    value = config.getoption(spec.in_pytest or name)
    return tuple(value or ()) if spec.many else value
