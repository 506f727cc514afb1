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
from soundstage_contracts.command.front_door import Exit, WrongTargetError
from soundstage_contracts.command.listing import explained, listed
from soundstage_contracts.command.live import Live, shown
from soundstage_contracts.command.options import Options, Report, chosen
from soundstage_contracts.command.run import Run
from soundstage_contracts.command.simulator import NoSimulatorError, Simulator
from soundstage_contracts.documents import providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.report.document import as_json, document
from soundstage_contracts.report.junit import as_junit
from soundstage_contracts.report.page import as_page
from soundstage_contracts.report.summary import as_summary
from soundstage_contracts.tape import LeakError, Tape, TapeError, replay
from soundstage_contracts.wire import base_of

ALL = "all"
_WRITERS = {"report_json": as_json, "report_junit": as_junit, "report_html": as_page}
_OPTIONS = (
    "api_key", "admin_url", "admin_token", "assumptions", "max_credits", "max_requests", "layers", "seed", "only",
    "callback_url", "callback_port", "webhook_secret", "patience",
)  # fmt: skip


def verify(given: Mapping[str, Any]) -> int:
    """Do what the command line asks for and return what to exit with; raises click's UsageError."""
    if given["explain"] is not None:
        return _say(explained(given["explain"]), f"there is no promise {given['explain']!r}; --list shows them all")
    if given["catalogue"]:
        return _say(listed(_asked_for(given["provider"] or ALL)), "")
    if given["tape"] is not None:
        return _tell([_replayed(given["tape"], given["only"])], given, Live())
    if given["provider"] is None:
        raise click.UsageError(f"say which provider: {', '.join(providers())} or {ALL}")
    _writable(given)
    return _run(_options(given), given)


def _say(text: str, otherwise: str) -> int:
    if not text:
        raise click.UsageError(otherwise)
    click.echo(text)
    return Exit.KEPT


def _asked_for(name: str) -> tuple[str, ...]:
    known = providers()
    if name == ALL:
        return known
    if name not in known:
        raise click.UsageError(f"there is no provider {name[:60]!r}; there are {', '.join(known)} and {ALL}")
    return (name,)


def _options(given: Mapping[str, Any]) -> list[Options]:
    """Return the options of each provider's run; without a base URL its host is filled in once the simulator runs."""
    names, base = _asked_for(given["provider"]), given["base_url"]
    adapter = given["adapter"] or ("soundstage" if base is None else "none")
    if base is None and adapter == "none":
        raise click.UsageError("without --base-url a simulator is started, and that is set up by --adapter soundstage")
    if base is not None and "://" not in base:
        raise click.UsageError(f"--base-url needs a scheme, such as http://{base[:100]}")
    if adapter == "none" and given["api_key"] is None:
        raise click.UsageError("--base-url needs --api-key, or --adapter soundstage where a Soundstage listens there")
    if given["provider"] == ALL and adapter == "none":
        raise click.UsageError(
            "`all` needs a Soundstage: leave --base-url out, or give its address and --adapter soundstage"
        )
    if given["max_requests"] is not None and given["max_credits"] is None and adapter != "none":
        raise click.UsageError("--max-requests is kept by the guard of --max-credits; give that too")
    common = {name: given[name] for name in _OPTIONS}
    return [
        Options(name, _base(base, name, given["provider"]), adapter=adapter, tape=_tape(given, name), **common)
        for name in names
    ]


def _base(base: str | None, name: str, asked: str) -> str:
    if base is None:
        return f"/{name}"
    return f"{base_of(base)}/{name}" if asked == ALL else base


def _tape(given: Mapping[str, Any], name: str) -> Path | None:
    """Return where a provider's tape goes; of several each gets its own file."""
    path: Path | None = given["tape_out"]
    if path is None or given["provider"] != ALL:
        return path
    return path.with_name(f"{path.stem}-{name}{path.suffix}")


def _writable(given: Mapping[str, Any]) -> None:
    """Refuse now what could not be written when everything is done."""
    for name in (*_WRITERS, "tape_out"):
        if given[name] is not None and not given[name].parent.is_dir():
            raise click.UsageError(f"there is no folder {given[name].parent} to write {given[name].name} to")


def _run(asked: list[Options], given: Mapping[str, Any]) -> int:
    with _interruptible():
        reports: list[Report] = []
        live = Live()
        ended: Exception | KeyboardInterrupt | None = None
        try:
            with _simulator(given["base_url"]) as url:
                _all(asked, url, reports, live)
        except (WrongTargetError, NoSimulatorError, LeakError, KeyboardInterrupt) as error:
            ended = error
        live.stop()
        # Whatever ended it, what was done until then is told.
        code = _tell(reports, given, live) if reports else Exit.KEPT
        if isinstance(ended, KeyboardInterrupt) or _was_interrupted(reports):
            return Exit.INTERRUPTED
        if ended is not None:
            click.echo(shown(str(ended)), err=True)
            return int(getattr(ended, "code", Exit.BROKEN))
        return code


def _all(asked: list[Options], url: str, reports: list[Report], live: Live) -> None:
    left = [replace(options, base_url=url + options.base_url) for options in asked]
    try:
        while left and _one(left[0], reports, live, own=bool(url)):
            del left[0]
    finally:
        # An interrupted run has its report already; of those behind it nothing was tried.
        for options in left if _was_interrupted(reports) else ():
            if options.provider not in {report.provider for report in reports}:
                run = Run(options, own_simulator=bool(url))
                run.interrupt()
                reports.append(run.report)


def _was_interrupted(reports: list[Report]) -> bool:
    return any(report.interrupted for report in reports)


def _one(options: Options, reports: list[Report], live: Live, *, own: bool) -> bool:
    """Verify one provider and return whether it came to its end."""
    with Run(options, own_simulator=own) as run:
        reports.append(run.report)
        live.begin(run)
        try:
            for result in run.results():
                live.came(result)
        except KeyboardInterrupt:
            run.interrupt()
        finally:
            live.stop()
    return not run.report.interrupted


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


def _replayed(path: Path, only: tuple[str, ...]) -> Report:
    """Return what comes of a tape; raises click's UsageError for a file that is none."""
    try:
        header = Tape.read(path).header
        results = list(replay(path, lambda name: chosen(name, only)))
    except TapeError as error:
        raise click.UsageError(str(error)) from None
    options = Options(header.provider, f"tape:{path.name}", assumptions=header.assumptions, layers=(), only=only)
    report = Report(options.settled(), driver_of(header.provider).title, clock.unix())
    report.results = results
    return report


def _tell(reports: list[Report], given: Mapping[str, Any], live: Live) -> int:
    """Write all reports and return what to exit with."""
    told = document(reports)
    try:
        for name, writer in _WRITERS.items():
            if given[name] is not None:
                given[name].write_text(writer(told), encoding="utf-8")
        if given["summary"] is not None:
            with given["summary"].open("a", encoding="utf-8") as file:
                file.write(as_summary(told))
    except OSError as error:
        raise click.UsageError(f"cannot write {error.filename}: {error.strerror}") from None
    live.end(told)
    return Exit.KEPT if told["kept"] else Exit.BROKEN
