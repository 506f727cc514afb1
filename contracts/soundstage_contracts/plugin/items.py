"""The suite as pytest items: one for each case of each promise, named by its id.

`pytest --pyargs soundstage_contracts --provider midsync --base-url URL --api-key KEY`. A promise that is broken or
out of reach fails with its sentence and a curl command; one that is not tested or not applicable is skipped with its
reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from soundstage_contracts.command.front_door import WrongTargetError
from soundstage_contracts.command.options import Options
from soundstage_contracts.command.run import Run
from soundstage_contracts.command.simulator import NoSimulatorError, Simulator
from soundstage_contracts.documents import providers
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.layers.matrix import cases_of, result_id, try_promise
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.report.document import exchange_told, redactor
from soundstage_contracts.report.junit import in_words
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import Result, Verdict

_MOST_SHOWN = 6
_GIVEN = (
    "api_key", "admin_token", "assumptions", "max_requests", "callback_url", "callback_port", "webhook_secret",
)  # fmt: skip


class Session:
    """The target of a pytest session, opened by the first item that needs it."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the options; raises pytest's UsageError."""
        self.provider = _one_of(config.getoption("provider"))
        self.driver: Driver = driver_of(self.provider)
        self.base_url: str | None = config.getoption("base_url")
        adapter = config.getoption("adapter") or ("none" if self.base_url else "soundstage")
        if self.base_url and adapter == "none" and not config.getoption("api_key"):
            raise pytest.UsageError("--base-url needs --api-key, or --adapter soundstage")
        self.options = Options(
            self.provider, self.base_url or f"/{self.provider}", adapter=adapter,
            seed=config.getoption("contract_seed"),
            runner=f"-{workerinput['workerid']}" if (workerinput := getattr(config, "workerinput", None)) else "",
            layers=_layers(config.getoption("contract_layers")),
            max_credits=_credits(config.getoption("max_credits")), **{name: config.getoption(name) for name in _GIVEN},
        )  # fmt: skip
        self._open = ExitStack()
        self._run: Run | None = None
        self._whole: dict[str, dict[str, Result]] = {}

    @property
    def run(self) -> Run:
        """The run, its front door already knocked at; raises WrongTargetError or NoSimulatorError."""
        if self._run is None:
            host = "" if self.base_url else self._open.enter_context(Simulator()).url
            options = replace(self.options, base_url=host + self.options.base_url)
            self._run = self._open.enter_context(Run(options, own_simulator=not self.base_url))
        return self._run

    def whole(self, layer: str) -> dict[str, Result]:
        """Return the results of a layer that only runs as a whole, which it does once."""
        if layer not in self._whole:
            self._whole[layer] = {result.id: result for result in self.run.layer(layer)}
        return self._whole[layer]

    def close(self) -> None:
        """Let go of everything."""
        self._open.close()


_session_key = pytest.StashKey[Session]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the options."""
    if not (config.option.help or config.option.version):
        config.stash[_session_key] = Session(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    """End at once, with one sentence, when the target is not the provider."""
    suite = session.config.stash.get(_session_key, None)
    if (
        suite is None
        or not suite.base_url
        or session.config.option.collectonly
        or hasattr(session.config, "workerinput")
    ):
        return
    try:
        _ = suite.run
    except WrongTargetError as error:
        pytest.exit(str(error), returncode=int(error.code))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the target."""
    suite = config.stash.get(_session_key, None)
    if suite is not None:
        suite.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect this very file, as all promises of the provider."""
    return Promises.from_parent(parent, path=file_path) if file_path == Path(__file__) else None


class Promises(pytest.File):
    """Every promise of one provider."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each result there will be."""
        suite = self.config.stash[_session_key]
        asked = suite.options.layers or ()
        for name in _planned(suite, asked):
            yield Whole.from_parent(self, name=name[1], layer=name[0])
        for promise in promises() if "L2" in asked else ():
            for case in cases_of(promise, suite.driver):
                yield Case.from_parent(self, name=result_id(suite.driver, promise, case), promise=promise, case=case)


def _planned(suite: Session, layers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield layer and id of each result of the layers that only run as a whole."""
    asked, driver = set(layers), suite.driver
    if "L0" in asked:
        from soundstage_contracts.layers.static import static  # noqa: PLC0415 - only where it is asked for

        yield from (("L0", result.id) for result in static(suite.provider))
    if "L1" in asked:
        from soundstage_contracts.layers.fuzz import FAMILIES, PHASE, REACHED  # noqa: PLC0415 - as above

        for operation in Contract(suite.provider, assumptions=True).operations:
            yield from (("L1", f"{driver.prefix}-{one.number}[{operation.name}]") for one in (REACHED, *FAMILIES))
        yield "L1", f"{driver.prefix}-{PHASE.number}"


class _Item(pytest.Item):
    def result(self, suite: Session) -> Result:
        """Return what came of it."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Try the promise; skipped and failed as its verdict says."""
        suite = self.config.stash[_session_key]
        try:
            result = self.result(suite)
        except (WrongTargetError, NoSimulatorError) as error:
            pytest.fail(str(error), pytrace=False)
        if result.verdict in {Verdict.NOT_TESTED, Verdict.NOT_APPLICABLE}:
            pytest.skip(f"{result.verdict}: {_clean(suite, result.says)}")
        if result.verdict is not Verdict.PASS:
            pytest.fail(_told(suite, result), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where it is from and its id."""
        return self.path, None, self.name


class Case(_Item):
    """One case of one promise of the matrix; the shape of every reply it got counts too."""

    def __init__(self, *, promise: Promise, case: str | None, **given: Any) -> None:
        """Keep which."""
        super().__init__(**given)
        self._promise, self._case = promise, case

    def result(self, suite: Session) -> Result:
        """Try it."""
        target = suite.run.target
        result = try_promise(self._promise, self._case, target)
        problems = list(_shapes(target, result)) if result.verdict is Verdict.PASS else []
        return replace(result, verdict=Verdict.FAIL, says="; ".join(problems[:3])) if problems else result


class Whole(_Item):
    """One result of a layer that only runs as a whole."""

    def __init__(self, *, layer: str, **given: Any) -> None:
        """Keep which."""
        super().__init__(**given)
        self._layer = layer

    def result(self, suite: Session) -> Result:
        """Return what the layer says; one it does not mention was broken off before."""
        found = suite.whole(self._layer)
        none = Result(self.name, "", Verdict.NOT_TESTED, "the layer ended without it", layer=self._layer)
        return found.get(self.name, none)


def _shapes(target: Target, result: Result) -> Iterator[str]:
    prefix = target.driver.prefix
    for one in result.evidence:
        if one.kind == "call" and one.reply is not None and one.request.method != "HEAD":
            for problem in target.contract.problems(one.request, one.reply):
                yield f"{prefix}-SHAPE-001: {problem}"


def _told(suite: Session, result: Result) -> str:
    clean = redactor(suite.run.report)
    shown = [exchange_told(one, clean) for one in result.evidence[-_MOST_SHOWN:]]
    told = {"id": result.id, "title": result.title, "says": result.says, "sources": result.sources, "evidence": shown}
    return clean.text(f"{result.verdict} {in_words(told)}\n\nBASE_URL={suite.run.options.base_url}")


def _clean(suite: Session, text: str) -> str:
    return redactor(suite.run.report).text(text)


def _one_of(name: str | None) -> str:
    known = providers()
    if name not in known:
        raise pytest.UsageError(f"say whose contract with --provider: {', '.join(known)}")
    return name


def _layers(given: str) -> tuple[str, ...]:
    asked = {one.strip().upper() for one in given.split(",")}
    if asked - {"L0", "L1", "L2"}:
        raise pytest.UsageError("--contract-layers takes L0, L1 and L2; soundstage verify has L3 as well")
    return tuple(sorted(asked))


def _credits(given: str | None) -> Decimal | None:
    try:
        return None if given is None else Decimal(given)
    except InvalidOperation:
        raise pytest.UsageError(f"--max-credits is a number of credits, not {given!r}") from None
