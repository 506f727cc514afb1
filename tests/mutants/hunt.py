"""Runs the suite against a mutant and says which promise caught it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mutants.domain import DomainMutant
from mutants.wire import FILE, WireMutant, mutants_of, replies_by_operation
from soundstage.testing import Server
from soundstage_contracts.adapters.base import Account, Adapter, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.layers.matrix import cases_of, try_promise
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.receiver import Receiver
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import Result, Verdict
from soundstage_contracts.watch import Watcher
from soundstage_contracts.wire import LiveSender, Sender


@dataclass(frozen=True, slots=True)
class Trial:
    """One case of a promise, with the exchanges it made against the simulator as it is."""

    promise: Promise
    case: str | None
    result: Result
    operations: frozenset[str]


@dataclass
class Ground:
    """A provider on a running simulator, and what the suite sees there when nothing is wrong."""

    provider: str
    target: Target
    trials: list[Trial] = field(default_factory=list)

    def operation(self, exchange: Exchange) -> str:
        """Return the name of the operation an exchange was with."""
        if exchange.kind == "file":
            return FILE
        found = self.target.contract.operation(exchange.request.method, exchange.request.path)
        return "an unknown path" if found is None else found.name

    def learn(self) -> None:
        """Run every promise once; raises AssertionError when one does not hold."""
        for promise in promises():
            if not promise.applies(self.provider):
                continue
            for case in cases_of(promise, self.target.driver):
                result = try_promise(promise, case, self.target)
                assert result.verdict is not Verdict.FAIL, f"{result.id} fails without any mutant: {result.says}"
                spoken = [one for one in result.evidence if one.kind in {"call", "file"}]
                self.trials.append(Trial(promise, case, result, frozenset(map(self.operation, spoken))))
        self.trials.sort(key=lambda trial: trial.result.seconds)

    def ordered(self, first: Sequence[str]) -> list[Trial]:
        """Return the trials, those of the promises in `first` before the others."""
        return sorted(self.trials, key=lambda trial: short(trial.result.id) not in first)

    def calls(self) -> Iterator[Exchange]:
        """Yield every exchange of the run without mutants."""
        for trial in self.trials:
            yield from (one for one in trial.result.evidence if one.kind in {"call", "file"})

    def wire_mutants(self) -> list[WireMutant]:
        """Return every wire mutant of every reply seen."""
        seen = replies_by_operation(self.calls(), self.operation)
        return [mutant for name, replies in seen.items() for mutant in mutants_of(name, replies)]


@contextmanager
def ground(provider: str) -> Iterator[Ground]:
    """Start a simulator and learn what a provider's promises see on it."""
    driver = driver_of(provider)
    with Server(clock="manual") as server:
        admin, sender = LiveSender(server.url), LiveSender(f"{server.url}/{provider}")
        receiver = Receiver()
        try:
            contract = Contract(provider, assumptions=True)
            found = Ground(provider, Target(driver, contract, sender, SoundstageAdapter(admin), receiver))
            found.learn()
            yield found
        finally:
            receiver.close()
            admin.close()
            sender.close()


class Bent:
    """A sender whose replies are changed on their way back."""

    def __init__(self, sender: Sender, change: Callable[[Request, Reply], Reply]) -> None:
        self._sender, self._change = sender, change

    def send(self, request: Request) -> Reply:
        """Return the changed reply."""
        return self._change(request, self._sender.send(request))

    def close(self) -> None:
        """Leave the connections to their owner."""


class Faulty:
    """An adapter that puts the same fault into every world it opens."""

    def __init__(self, adapter: Adapter, fault: str, parameters: Mapping[str, Any]) -> None:
        self._adapter, self._fault, self._parameters = adapter, fault, parameters

    def open(self, provider: str, label: str, wanted: Wanted) -> Account:
        """Open the account, and let the fault act in its world from the first call on."""
        account = self._adapter.open(provider, label, wanted)
        if wanted.beside is None:
            self._adapter.fault(account, self._fault, **self._parameters)
        return account

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


def caught_by_shape(ground: Ground, mutant: WireMutant) -> str | None:
    """Return the shape promise that a wire mutant breaks on its own, without a further request."""
    for exchange in ground.calls():
        if exchange.kind == "call" and exchange.reply is not None and ground.operation(exchange) == mutant.operation:
            if exchange.reply.status != mutant.status:
                continue
            changed = mutant.applied(exchange.reply)
            if changed != exchange.reply and any(ground.target.contract.problems(exchange.request, changed)):
                return f"SHAPE-001[{mutant.operation}]"
    return None


def wire_target(ground: Ground, mutant: WireMutant) -> Target:
    """Return the target as a wire mutant makes it."""

    def change(request: Request, reply: Reply) -> Reply:
        kind = "file" if "://" in request.path else "call"
        name = ground.operation(Exchange(request, reply, kind))
        return mutant.applied(reply) if (name, reply.status) == (mutant.operation, mutant.status) else reply

    return replace(ground.target, sender=Bent(ground.target.sender, change))


def domain_target(ground: Ground, mutant: DomainMutant) -> Target:
    """Return the target as a domain mutant makes it."""
    target = ground.target
    if mutant.wrap is not None:
        return replace(target, sender=mutant.wrap(target.sender, target.driver, target.contract))
    assert target.adapter is not None
    return replace(target, adapter=Faulty(target.adapter, mutant.fault, mutant.parameters))


def caught_on_wire(ground: Ground, mutant: WireMutant) -> str | None:
    """Return the promise that notices a wire mutant when the suite runs against it, None when none does."""
    touched = [one for one in ground.trials if mutant.operation in one.operations]
    return next(killers(wire_target(ground, mutant), touched), None)


def caught_in_domain(ground: Ground, mutant: DomainMutant, first: Sequence[str] = ()) -> Iterator[str]:
    """Yield the promises that notice a domain mutant; those in `first` are tried first."""
    yield from killers(domain_target(ground, mutant), ground.ordered(first))


def caught_in_data(ground: Ground, url: str, first: Sequence[str] = ()) -> Iterator[str]:
    """Yield the promises that do not hold on another simulator, the one at `url`."""
    admin, sender = LiveSender(url), LiveSender(f"{url}/{ground.provider}")
    try:
        there = replace(ground.target, sender=sender, adapter=SoundstageAdapter(admin))
        yield from killers(there, ground.ordered(first))
    finally:
        admin.close()
        sender.close()


def killers(target: Target, trials: list[Trial]) -> Iterator[str]:
    """Yield the promises that fail, or that nobody can reach any more, while `target` is as it is now."""
    for trial in trials:
        watcher = Watcher(target.driver, target.contract)
        result = try_promise(trial.promise, trial.case, replace(target, observe=watcher.see))
        lost = result.verdict is Verdict.NOT_REACHED and trial.result.verdict is not Verdict.NOT_REACHED
        if result.verdict is Verdict.FAIL or lost:
            yield short(result.id)
        yield from (short(one.id) for one in watcher.results() if one.verdict is Verdict.FAIL)


def short(name: str) -> str:
    """Return a promise's number without its provider: `MONEY-003`, or `PRICE-001[case]`."""
    return name.partition("-")[2]
