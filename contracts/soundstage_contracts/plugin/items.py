"""The suite as pytest items: one for each case of each promise, named by its id.

`pytest --pyargs soundstage_contracts --provider midsync --base-url URL --api-key KEY`. A promise that is broken or
out of reach fails with its sentence and a curl command; one that is not tested or not applicable is skipped with its
reason. What is watched in every exchange comes last, as items too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soundstage_contracts.command.front_door import WrongTargetError
from soundstage_contracts.command.run import KNOWN_ENDS
from soundstage_contracts.command.simulator import NoSimulatorError
from soundstage_contracts.layers.matrix import cases_of, result_id, try_promise
from soundstage_contracts.plugin.session import SEEN, Session
from soundstage_contracts.plugin.workers import Gathered, Told, gathered, handed_in
from soundstage_contracts.promise import Promise, promises
from soundstage_contracts.report.document import exchange_told, redactor
from soundstage_contracts.report.junit import in_words
from soundstage_contracts.verdict import Result, Verdict

_MOST_SHOWN = 6
_session_key = pytest.StashKey[Session]()
_gathered_key = pytest.StashKey[Gathered]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the options."""
    if not (config.option.help or config.option.version):
        config.stash[_session_key] = Session(config)
        config.stash[_gathered_key] = Gathered()


def pytest_sessionstart(session: pytest.Session) -> None:
    """End at once, with one sentence, when the target is not the provider."""
    suite = session.config.stash.get(_session_key, None)
    if suite is None or suite.own_simulator or session.config.option.collectonly or suite.worker:
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what is watched behind everything else; a worker hands that in when it ends, and all are told as one."""
    suite = config.stash[_session_key]
    suite.everything = sum(isinstance(one, _Item) for one in items) == suite.collected
    seen = {one.nodeid for one in items if isinstance(one, Whole) and one.layer == SEEN}
    last = [one for one in items if one.nodeid in seen]
    suite.asked_seen = {one.name: one.nodeid for one in last}
    items[:] = [one for one in items if one.nodeid not in seen]
    items.extend(() if suite.worker else last)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand in, as a worker, what was watched."""
    suite = session.config.stash[_session_key]
    if suite.worker and suite.opened:
        asked = ((result, suite.asked_seen.get(result.id)) for result in suite.whole(SEEN).values())
        told = [_told(suite, result)._replace(nodeid=nodeid) for result, nodeid in asked if nodeid is not None]
        handed_in(session.config, told)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker hands in."""
    node.config.stash[_gathered_key].take(node)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """Tell at the end what all workers together have watched."""
    done = yield
    results = session.config.stash[_gathered_key].together()
    session.testscollected += len(results)
    for told in results:
        gathered(session.config, told)
    return done


class Promises(pytest.File):
    """Every promise of one provider."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each result there will be."""
        items = list(self._items(self.config.stash[_session_key]))
        self.config.stash[_session_key].collected = len(items)
        yield from items

    def _items(self, suite: Session) -> Iterator[pytest.Item]:
        for layer, name in suite.planned():
            yield Whole.from_parent(self, name=name, layer=layer)
        for promise in promises() if "L2" in suite.layers else ():
            for case in cases_of(promise, suite.driver):
                yield Case.from_parent(self, name=result_id(suite.driver, promise, case), promise=promise, case=case)
        for name in suite.watched():
            yield Whole.from_parent(self, name=name, layer=SEEN)


class _Item(pytest.Item):
    def result(self, suite: Session) -> Result:
        """Return what came of it."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Skip or fail as the verdict says, with its sentence and without a traceback."""
        suite = self.config.stash[_session_key]
        try:
            told = _told(suite, self.result(suite))
        except (WrongTargetError, NoSimulatorError, *KNOWN_ENDS) as error:
            pytest.fail(str(error), pytrace=False)
        if told.outcome == "skipped":
            pytest.skip(told.text)
        if told.outcome == "failed":
            pytest.fail(told.text, pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where it is from and its id."""
        return self.path, None, self.name


class Case(_Item):
    """One case of one promise of the matrix."""

    def __init__(self, *, promise: Promise, case: str | None, **given: Any) -> None:
        """Be the item of this case; None is the whole of a promise that has no cases."""
        super().__init__(**given)
        self._promise, self._case = promise, case

    def result(self, suite: Session) -> Result:
        """Return what came of trying it on the session's target."""
        return try_promise(self._promise, self._case, suite.run.target)


class Whole(_Item):
    """One result of what only comes as a whole."""

    def __init__(self, *, layer: str, **given: Any) -> None:
        """Be the item of a result that comes with `layer`."""
        super().__init__(**given)
        self.layer = layer

    def result(self, suite: Session) -> Result:
        """Return what the layer says; one it does not mention was broken off before."""
        found = suite.whole(self.layer)
        none = Result(self.name, "", Verdict.NOT_TESTED, "the layer ended without it", layer=self.layer)
        return found.get(self.name, none)


def _told(suite: Session, result: Result) -> Told:
    """Return how pytest tells a result, free of secrets."""
    if result.verdict is Verdict.PASS:
        return Told(result.id, "passed", "")
    clean = redactor(suite.run.report)
    if result.verdict in {Verdict.NOT_TESTED, Verdict.NOT_APPLICABLE}:
        return Told(result.id, "skipped", clean.text(f"{result.verdict}: {result.says}"))
    shown = [exchange_told(one, clean) for one in result.evidence[-_MOST_SHOWN:]]
    told = {"id": result.id, "title": result.title, "says": result.says, "sources": result.sources, "evidence": shown}
    words = clean.text(f"{result.verdict} {in_words(told)}\n\nBASE_URL={suite.run.options.base_url}")
    return Told(result.id, "failed", words, reached=result.verdict is not Verdict.NOT_REACHED)
