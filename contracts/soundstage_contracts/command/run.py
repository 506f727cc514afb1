"""One run against one target: opens what it needs, tries layer after layer, and keeps what came of every promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from soundstage_contracts import clock
from soundstage_contracts.adapters.base import Account, Adapter, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.command.choosing import LAYERS, chosen
from soundstage_contracts.command.front_door import WrongTargetError, knock
from soundstage_contracts.command.listing import touches
from soundstage_contracts.command.options import Caps, Options
from soundstage_contracts.command.outcome import Exit, Planned, Report
from soundstage_contracts.command.record import Record
from soundstage_contracts.command.surprises import surprises
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Exchange
from soundstage_contracts.layers.matrix import cases_of, matrix, result_id
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.receiver import Receiver
from soundstage_contracts.tape import TapeWriter
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import AdapterError, Outcome, Result, SuiteError, UnreachableError, Verdict
from soundstage_contracts.watch import Watcher
from soundstage_contracts.wire import LiveSender, Sender, origin_of

if TYPE_CHECKING:
    from soundstage_contracts.guard import Guard

INTERRUPTED = "interrupted"
KNOWN_ENDS = (SuiteError, AdapterError, UnreachableError)
"""What may end a run before its end and is no verdict; each says why in one sentence."""


class _Apart(SoundstageAdapter):
    """Gives every account a name of its runner's own, so that several may share a target at the same time."""

    def __init__(self, runner: str, sender: Sender, token: str | None, observe: Callable[[Exchange], None]) -> None:
        super().__init__(sender, token, observe)
        self._runner = runner

    def open(self, provider: str, label: str, wanted: Wanted) -> Account:
        """Return an account whose world no other runner empties."""
        return super().open(provider, f"{label}{self._runner}", wanted)


class Run:
    """A target with all that is needed to verify it, for use in a `with`; entering knocks at its front door."""

    def __init__(self, options: Options, *, own_simulator: bool = False) -> None:
        """Make ready what needs no connection; raises KeyError for an unknown provider."""
        self.options = options.settled()
        self.driver = driver_of(options.provider)
        self.contract = Contract(options.provider, assumptions=self.options.assumptions)
        self.report = Report(self.options, self.driver.title, clock.unix(), own_simulator=own_simulator)
        self.watcher = Watcher(self.driver, self.contract)
        self.record = Record(self.report, self.watcher)
        self.guard: Guard | None = None
        self._began = clock.monotonic()
        self._open = ExitStack()
        self._finished: set[str] = set()
        for name in ("api_key", "webhook_secret", "admin_token"):
            self.record.hide(getattr(options, name), name.upper())

    def __enter__(self) -> Self:
        """Open everything; raises WrongTargetError when nobody is there or it is not the provider."""
        with ExitStack() as opening:
            self.target = self._target(opening)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()
        self.report.seconds = clock.monotonic() - self._began

    def _target(self, opening: ExitStack) -> Target:
        asked = self.options
        direct = LiveSender(asked.base_url)
        opening.callback(direct.close)
        adapter = self._adapter(opening)
        self._knock(direct, adapter)
        receiver = Receiver(asked.callback_port, asked.callback_url)
        opening.callback(receiver.close)
        self.report.addresses[receiver.url("").removesuffix("/callbacks/")] = "CALLBACKS"
        self._tape(opening)
        sender = direct if asked.caps is None else self._guarded(opening, asked.caps)
        # What a guard may not let through costs nobody anything, so a receiver without a tunnel is no receiver there.
        reachable = adapter is not None or asked.callback_url is not None or _is_here(asked.base_url)
        return Target(
            self.driver, self.contract, sender, adapter, receiver if reachable else None, self._given(),
            asked.assumptions, asked.patience, self.record.see,
        )  # fmt: skip

    def _adapter(self, opening: ExitStack) -> Adapter | None:
        asked = self.options
        if asked.adapter == "none":
            return None
        sender = LiveSender(asked.admin_url or origin_of(asked.base_url))
        adapter = _Apart(asked.runner, sender, asked.admin_token, self.record.set_up)
        opening.callback(adapter.close)
        return adapter

    def _knock(self, sender: LiveSender, adapter: Adapter | None) -> None:
        """Look who is there; that an adapter does not get in is only said once it is clear who is."""
        key, refused, code = self.options.api_key, "", Exit.USAGE
        if adapter is not None:
            try:
                key = adapter.open(self.driver.id, "front-door", Wanted()).key
            except Outcome as outcome:
                refused = str(outcome)
            except AdapterError as error:
                refused, code = str(error), Exit.UNREACHABLE
        knock(self.driver, self.contract, sender, key)
        if refused:
            raise WrongTargetError(f"The adapter {self.options.adapter} does not get in: {refused}", code)

    def _guarded(self, opening: ExitStack, caps: Caps) -> LiveSender:
        from soundstage_contracts.guard import Guard  # noqa: PLC0415 - only where money is real

        limits = {"max_requests": caps.requests, "deadline_seconds": caps.seconds, "allow": caps.allow}
        known: Any = {name: value for name, value in limits.items() if value is not None}
        self.guard = opening.enter_context(Guard(self.options.base_url, self.driver, caps.credits, **known))
        self.report.addresses[self.guard.url] = "BASE_URL"
        sender = LiveSender(self.guard.url)
        opening.callback(sender.close)
        opening.callback(self._account)
        return sender

    def _account(self) -> None:
        if self.guard is not None:
            self.report.spent = self.guard.spent_at_most

    def _tape(self, opening: ExitStack) -> None:
        asked = self.options
        if asked.tape is None:
            return
        tape = TapeWriter(
            asked.tape, self.driver.id, base_url=asked.base_url, seed=asked.seed, assumptions=asked.assumptions,
            callback_url=asked.callback_url, given=self._given(),
        )  # fmt: skip
        opening.callback(tape.close)
        self.record.tape(tape)

    def _given(self) -> Account | None:
        asked = self.options
        return None if asked.api_key is None else Account("given", asked.api_key, asked.webhook_secret)

    def planned(self) -> tuple[Planned, ...]:
        """Return what is still to come, in order, as far as it can be told before: case by case only of the matrix."""
        left = [name for name in self.options.layers if name not in self._finished]
        done = {result.id for result in self.report.results}
        told = (one for name in left for one in (self._cases() if name == "L2" else self._whole(name)))
        return tuple(one for one in told if one.id not in done)

    def _cases(self) -> Iterator[Planned]:
        for promise in self._promises():
            for case in cases_of(promise, self.driver):
                name = result_id(self.driver, promise, case)
                if chosen(name, self.options.only):
                    yield Planned(name, promise.title, promise.sources.get(self.driver.id, ()))

    def _whole(self, layer: str) -> Iterator[Planned]:
        if not self.options.only:
            yield Planned(f"{self.driver.prefix}-{layer}", f"Layer {layer}: {LAYERS[layer]}", layer=layer)

    def _promises(self) -> tuple[Promise, ...]:
        def wanted(promise: Promise) -> bool:
            names = (result_id(self.driver, promise, case) for case in cases_of(promise, self.driver))
            return any(chosen(name, self.options.only) for name in names)

        return tuple(promise for promise in promises() if wanted(promise))

    def results(self) -> Iterator[Result]:
        """Try everything and yield what came of each promise; each is also kept in `report`.

        Raises SuiteError, AdapterError or UnreachableError when it cannot go on.
        """
        for name in self.options.layers:
            if touches(self.driver, name, self.options.only):
                yield from self._kept(self.layer(name))
            self._finished.add(name)
        yield from self._kept(self.seen())

    def layer(self, name: str) -> Iterator[Result]:
        """Try a layer and yield its results; raises what `results` does."""
        try:
            yield from self._layer(name)
        except KNOWN_ENDS:
            raise
        except Exception as error:
            raise SuiteError(f"layer {name} is broken itself: {type(error).__name__}: {error}") from error

    def _layer(self, name: str) -> Iterator[Result]:
        """Return a layer's results; each layer but the matrix is loaded only when it is asked for."""
        if name == "L2":
            return matrix(self.target, self._promises())
        if name == "L0":
            from soundstage_contracts.layers.static import static  # noqa: PLC0415

            return static(self.driver.id)
        if name == "L1":
            from soundstage_contracts.layers.fuzz import fuzz  # noqa: PLC0415

            return fuzz(self.target, seed=self.options.seed)
        from soundstage_contracts.layers.model import model  # noqa: PLC0415

        return model(self.target, seed=self.options.seed)

    def seen(self, *, everywhere: bool = True) -> Iterator[Result]:
        """Yield what every exchange so far says of the watched promises, and what the guard says of prices.

        With `everywhere` nothing was left out of what the options ask for.
        """
        asked = self.options
        # Only a run that goes everywhere can say that something is out of reach.
        whole = everywhere and asked.caps is None and not asked.only and "L2" in asked.layers
        for result in self.watcher.results():
            if result.verdict is not Verdict.NOT_REACHED or whole:
                yield result
            else:
                says = f"{result.says}; this run was not meant to go everywhere"
                yield replace(result, verdict=Verdict.NOT_TESTED, says=says)
        if self.guard is not None:
            yield surprises(self.driver, self.guard.surprises, self.guard.spent_at_most)

    def _kept(self, results: Iterator[Result]) -> Iterator[Result]:
        for result in results:
            if chosen(result.id, self.options.only) or result.verdict is Verdict.FAIL:
                self.report.results.append(result)
                yield result

    def break_off(self, why: str = INTERRUPTED) -> None:
        """Count what did not come any more as not tested, and say why."""
        self.report.interrupted = True
        self.report.results += [
            Result(one.id, one.title, Verdict.NOT_TESTED, why, one.sources, one.layer) for one in self.planned()
        ]


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
