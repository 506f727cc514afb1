"""What `soundstage verify` does once its words are read."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from soundstage_contracts import clock
from soundstage_contracts.command.choosing import chosen
from soundstage_contracts.command.front_door import WrongTargetError
from soundstage_contracts.command.listing import explained, listed, unknown
from soundstage_contracts.command.live import Live, shown
from soundstage_contracts.command.options import MistakenError, Options, checked, options_of
from soundstage_contracts.command.outcome import Exit, Report
from soundstage_contracts.command.run import INTERRUPTED, KNOWN_ENDS, Run
from soundstage_contracts.command.simulator import NoSimulatorError, Simulator
from soundstage_contracts.documents import providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.report.document import as_document, as_json
from soundstage_contracts.report.junit import as_junit
from soundstage_contracts.report.page import as_page
from soundstage_contracts.report.summary import as_summary
from soundstage_contracts.tape import LeakError, Tape, TapeError, replay
from soundstage_contracts.verdict import SuiteError, Verdict
from soundstage_contracts.wire import base_of

ALL = "all"
_WRITERS = {"report_json": as_json, "report_junit": as_junit, "report_html": as_page}
_ENDS = (WrongTargetError, NoSimulatorError, LeakError, KeyboardInterrupt, *KNOWN_ENDS)


def verify(given: Mapping[str, Any]) -> int:
    """Do what the command line asks for and return what to exit with; raises click's UsageError."""
    try:
        if given["explain"] is not None:
            return _say(explained(given["explain"]), f"there is no promise {given['explain']!r}; --list shows them all")
        if given["catalogue"]:
            return _say(listed(_asked_for(given["provider"] or ALL)), "")
        strange = unknown(_asked_for(given["provider"] or ALL), given["only"])
        if strange is not None:
            raise MistakenError(f"no promise begins with {strange!r}; --list shows them all")
        if given["tape"] is not None:
            return _tell([_replayed(given["tape"], given["only"], given["provider"])], given, Live())
        if given["provider"] is None:
            raise MistakenError(f"say which provider: {', '.join(providers())} or {ALL}")
        _writable(given)
        return _run(_options(given), given)
    except MistakenError as error:
        raise click.UsageError(str(error)) from None


def _say(text: str, otherwise: str) -> int:
    if not text:
        raise MistakenError(otherwise)
    click.echo(text)
    return Exit.KEPT


def _asked_for(name: str) -> tuple[str, ...]:
    return providers() if name == ALL else (checked(name),)


def _options(given: Mapping[str, Any]) -> list[Options]:
    """Return the options of each provider's run; without a base URL its host is filled in once the simulator runs."""
    asked = [options_of(name, given) for name in _asked_for(given["provider"])]
    if given["provider"] != ALL:
        return [replace(asked[0], tape=given["tape_out"])]
    if asked[0].adapter == "none":
        raise MistakenError(
            "`all` needs a Soundstage: leave --base-url out, or give its address and --adapter soundstage"
        )
    return [replace(one, base_url=_base(given["base_url"], one), tape=_tape(given["tape_out"], one)) for one in asked]


def _base(base: str | None, options: Options) -> str:
    return options.base_url if base is None else f"{base_of(base)}/{options.provider}"


def _tape(path: Path | None, options: Options) -> Path | None:
    """Return where a provider's tape goes: of several each gets its own file."""
    return None if path is None else path.with_name(f"{path.stem}-{options.provider}{path.suffix}")


def _writable(given: Mapping[str, Any]) -> None:
    """Refuse now what could not be written when everything is done."""
    files = [given[name] for name in (*_WRITERS, "tape_out", "summary") if given[name] is not None]
    for file in files:
        if not file.parent.is_dir():
            raise MistakenError(f"there is no folder {file.parent} to write {file.name} to")
        if file.is_dir() or (file == given["tape_out"] and file.exists() and not file.is_file()):
            raise MistakenError(f"{file} is no file that could be written")
    if len(set(files)) < len(files):
        raise MistakenError("each report needs a file of its own")


def _run(asked: list[Options], given: Mapping[str, Any]) -> int:
    with _interruptible():
        reports: list[Report] = []
        live = Live()
        ended: BaseException | None = None
        try:
            with _simulator(given["base_url"]) as url:
                _all([replace(one, base_url=url + one.base_url) for one in asked], reports, live, own=bool(url))
        except _ENDS as error:
            ended = error
        live.stop()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        # Whatever ended it, what was done until then is told.
        code = _tell(reports, given, live) if reports else Exit.KEPT
        if ended is None:
            return code
        if not isinstance(ended, KeyboardInterrupt):
            click.echo(shown(_without_secrets(str(ended), given)), err=True)
        return _code(ended)


def _without_secrets(text: str, given: Mapping[str, Any]) -> str:
    for name in ("api_key", "admin_token", "webhook_secret"):
        if given[name]:
            text = text.replace(given[name], f"<{name.replace('_', ' ')}>")
    return text


def _code(ended: BaseException) -> int:
    """Return what to exit with after a run that did not come to its end."""
    if isinstance(ended, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(ended, WrongTargetError):
        return ended.code
    if isinstance(ended, LeakError):
        return Exit.BROKEN
    return Exit.SUITE if isinstance(ended, SuiteError) else Exit.UNREACHABLE


def _all(asked: list[Options], reports: list[Report], live: Live, *, own: bool) -> None:
    """Verify one provider after another; of those that an end in the middle leaves over, say that nothing was tried."""
    left = list(asked)
    try:
        while left:
            _one(left[0], reports, live, own=own)
            del left[0]
    except (KeyboardInterrupt, *KNOWN_ENDS) as error:
        told = {report.provider for report in reports}
        for options in left:
            if options.provider not in told:
                run = Run(options, own_simulator=own)
                run.break_off(_why(error))
                reports.append(run.report)
        raise


def _one(options: Options, reports: list[Report], live: Live, *, own: bool) -> None:
    """Verify one provider; what was not tried when something ends it is reported as not tested."""
    with Run(options, own_simulator=own) as run:
        reports.append(run.report)
        live.begin(run)
        try:
            for result in run.results():
                live.came(result)
        except (KeyboardInterrupt, *KNOWN_ENDS) as error:
            run.break_off(_why(error))
            raise
        finally:
            live.stop()


def _why(error: BaseException) -> str:
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else str(error)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt once, for Ctrl-C or a request to terminate; the reports that follow are not disturbed."""
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: object) -> None:
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def _simulator(base_url: str | None) -> Iterator[str]:
    if base_url is not None:
        yield ""
        return
    with Simulator() as simulator:
        yield simulator.url


def _replayed(path: Path, only: tuple[str, ...], provider: str | None) -> Report:
    """Return what comes of a tape; raises MistakenError for a file that is none."""
    try:
        header = Tape.read(path).header
        if provider not in {None, ALL, header.provider}:
            raise MistakenError(f"the tape is of {header.provider}, not of {provider}")
        results = list(replay(path, lambda name: chosen(name, only)))
    except TapeError as error:
        raise MistakenError(str(error)) from None
    if not any(result.verdict in {Verdict.PASS, Verdict.FAIL} for result in results):
        raise MistakenError("nothing of what was asked for can be told from this tape")
    options = Options(header.provider, f"tape:{path.name}", assumptions=header.assumptions, layers=(), only=only)
    report = Report(options.settled(), driver_of(header.provider).title, clock.unix())
    report.results = results
    return report


def _tell(reports: list[Report], given: Mapping[str, Any], live: Live) -> int:
    """Write all reports and return what to exit with."""
    told = as_document(reports)
    try:
        for name, writer in _WRITERS.items():
            if given[name] is not None:
                given[name].write_text(writer(told), encoding="utf-8")
        if given["summary"] is not None:
            with given["summary"].open("a", encoding="utf-8") as file:
                file.write(as_summary(told))
    except OSError as error:
        raise MistakenError(f"cannot write {error.filename}: {error.strerror}") from None
    live.end(told)
    return Exit.KEPT if told["kept"] else Exit.BROKEN
