"""One run against one target: opens what it needs, tries layer after layer, and keeps what came of every promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from soundstage_contracts import clock
from soundstage_contracts.adapters.base import Account, Adapter, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.command.front_door import Exit, WrongTargetError, knock
from soundstage_contracts.command.options import LAYERS, Options, Planned, Report, chosen
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Exchange
from soundstage_contracts.layers.matrix import cases_of, matrix, result_id
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.receiver import Receiver
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import Outcome, Result, Verdict
from soundstage_contracts.wire import LiveSender, origin_of

if TYPE_CHECKING:
    from soundstage_contracts.guard import Guard

INTERRUPTED = "interrupted"


class Run:
    """A target with all that is needed to verify it, for use in a `with`; entering knocks at its front door."""

    def __init__(self, options: Options, *, own_simulator: bool = False) -> None:
        """Make ready what needs no connection; raises KeyError for an unknown provider."""
        self.options = options.settled()
        self.driver = driver_of(options.provider)
        self.contract = Contract(options.provider, assumptions=bool(self.options.assumptions))
        self.report = Report(self.options, self.driver.title, clock.unix(), own_simulator=own_simulator)
        self._began = clock.monotonic()
        self._open = ExitStack()
        self.guard: Guard | None = None
        self._finished: set[str] = set()
        self._seen: list[Callable[[Exchange], None]] = [self._count]
        self._set_up: list[Callable[[Exchange], None]] = []
        self._hidden: list[Callable[[str], object]] = []
        for name in ("api_key", "webhook_secret", "admin_token"):
            self._hide(getattr(options, name), name.upper())

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
        from soundstage_contracts.watch import Watcher  # noqa: PLC0415 - reads what a plain import need not

        asked = self.options
        direct = LiveSender(asked.base_url)
        opening.callback(direct.close)
        adapter = self._adapter(opening)
        self._knock(direct, adapter)
        receiver = Receiver(asked.callback_port, asked.callback_url)
        opening.callback(receiver.close)
        self.report.addresses[receiver.url("").removesuffix("/callbacks/")] = "CALLBACKS"
        self.watcher = Watcher(self.driver, self.contract)
        self._seen.append(self.watcher.see)
        self._record(opening)
        sender = direct if asked.max_credits is None else self._guarded(opening, asked.max_credits)
        # What a guard may not let through costs nobody anything, so a receiver without a tunnel is no receiver there.
        reachable = adapter is not None or asked.callback_url is not None or _is_here(asked.base_url)
        return Target(
            self.driver, self.contract, sender, adapter, receiver if reachable else None, self._given(),
            bool(asked.assumptions), asked.patience, self._see,
        )  # fmt: skip

    def _adapter(self, opening: ExitStack) -> Adapter | None:
        asked = self.options
        if asked.adapter == "none":
            return None
        sender = LiveSender(asked.admin_url or origin_of(asked.base_url))
        adapter = SoundstageAdapter(sender, asked.admin_token, self._learn)
        opening.callback(adapter.close)
        return adapter

    def _knock(self, sender: LiveSender, adapter: Adapter | None) -> None:
        """Look who is there; that an adapter does not get in is only said once it is clear who is."""
        key, refused = self.options.api_key, None
        if adapter is not None:
            try:
                key = adapter.open(self.driver.id, f"front-door{self.options.runner}", Wanted()).key
            except Outcome as outcome:
                refused = str(outcome)
        knock(self.driver, self.contract, sender, key)
        if refused is not None:
            raise WrongTargetError(f"The adapter {self.options.adapter} does not get in: {refused}", Exit.USAGE)

    def _guarded(self, opening: ExitStack, most: Decimal) -> LiveSender:
        from soundstage_contracts.guard import Guard  # noqa: PLC0415 - only where money is real

        asked = self.options
        limits = {"max_requests": asked.max_requests, "deadline_seconds": asked.deadline}
        known: Any = {name: value for name, value in limits.items() if value is not None}
        self.guard = opening.enter_context(Guard(asked.base_url, self.driver, most, **known))
        self.report.addresses[self.guard.url] = "BASE_URL"
        sender = LiveSender(self.guard.url)
        opening.callback(sender.close)
        opening.callback(self._account)
        return sender

    def _account(self) -> None:
        if self.guard is not None:
            self.report.spent = self.guard.spent_at_most

    def _surprises(self) -> Iterator[Result]:
        """Yield whether the target kept to the prices by which the guard let requests pass."""
        if self.guard is None:
            return
        title, says = "Nothing costs more than its documented price", "; ".join(self.guard.surprises[:5])
        verdict = Verdict.FAIL if says else Verdict.PASS if self.guard.spent_at_most else Verdict.NOT_TESTED
        none = "nothing that costs anything was let through"
        yield Result(
            f"{self.driver.prefix}-GUARD-001", title, verdict, says or (none if verdict != "PASS" else ""), layer="L2"
        )

    def _record(self, opening: ExitStack) -> None:
        if self.options.tape is None:
            return
        from soundstage_contracts.tape import TapeWriter  # noqa: PLC0415 - only when a tape is wanted

        asked, calls = self.options, self.options.callback_url
        tape = TapeWriter(
            self.options.tape, self.driver.id, base_url=asked.base_url, seed=asked.seed,
            assumptions=bool(asked.assumptions), callback_url=calls, given=self._given(),
        )  # fmt: skip
        opening.callback(tape.close)
        self._hidden.append(tape.hide)
        for secret in self.report.secrets:
            tape.hide(secret)
        self._seen.append(tape.see)
        self._set_up.append(tape.see)

    def _given(self) -> Account | None:
        asked = self.options
        return None if asked.api_key is None else Account("given", asked.api_key, asked.webhook_secret)

    def watch(self, look: Callable[[Exchange], None]) -> None:
        """Let `look` see every exchange from now on."""
        self._seen.append(look)

    def _see(self, exchange: Exchange) -> None:
        for look in self._seen:
            look(exchange)

    def _count(self, exchange: Exchange) -> None:
        self.report.requests += exchange.kind in {"call", "file"}

    def _learn(self, exchange: Exchange) -> None:
        """Keep what a set-up made secret: the keys and secrets that the adapter was given."""
        made = exchange.reply.json() if exchange.reply is not None and exchange.reply.body else None
        if isinstance(made, dict) and exchange.request.path.endswith("/keys"):
            number = str(made.get("key", "")).rpartition("-")[2]
            behind = f"_{number}" if number.isdecimal() else "_0"
            self._hide(made.get("key"), f"API_KEY{behind}")
            self._hide(made.get("webhook_secret"), f"WEBHOOK_SECRET{behind}")
        for look in self._set_up:
            look(exchange)

    def _hide(self, secret: str | None, name: str) -> None:
        if secret:
            self.report.secrets[secret] = name
            for hide in self._hidden:
                hide(secret)

    def planned(self) -> tuple[Planned, ...]:
        """Return what is still to come, in order, as far as it can be told before: case by case only of the matrix."""
        left = [name for name in self.options.layers or () if name not in self._finished]
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
        """Try everything and yield what came of each promise; each is also kept in `report`."""
        for name in self.options.layers or ():
            yield from self._kept(self.layer(name))
            self._finished.add(name)
        yield from self._kept(map(self._watched, self.watcher.results()))
        yield from self._kept(self._surprises())

    def layer(self, name: str) -> Iterator[Result]:
        """Try a layer and yield its results; each is loaded only when it is asked for."""
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

    def _watched(self, result: Result) -> Result:
        """Return what the watcher says; only a run that goes everywhere can say that something is out of reach."""
        asked = self.options
        whole = asked.max_credits is None and not asked.only and "L2" in (asked.layers or ())
        if result.verdict is not Verdict.NOT_REACHED or whole:
            return result
        return replace(
            result, verdict=Verdict.NOT_TESTED, says=f"{result.says}; this run was not meant to go everywhere"
        )

    def _kept(self, results: Iterator[Result]) -> Iterator[Result]:
        for result in results:
            if chosen(result.id, self.options.only) or result.verdict is Verdict.FAIL:
                self.report.results.append(result)
                yield result

    def interrupt(self) -> None:
        """Count what did not come any more as not tested."""
        self.report.interrupted = True
        self.report.results += [
            Result(one.id, one.title, Verdict.NOT_TESTED, INTERRUPTED, one.sources, one.layer) for one in self.planned()
        ]


def verify(options: Options, told: Callable[[Result], None] = lambda result: None) -> Report:
    """Verify a target and return what came of it; `told` hears of each result as it comes."""
    with Run(options) as run:
        for result in run.results():
            told(result)
    return run.report


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
