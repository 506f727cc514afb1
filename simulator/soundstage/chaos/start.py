"""Puts the chaos matrix together, runs it to its end or until somebody stops it, and leaves the reports."""

import asyncio
import os
import signal
import tempfile
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, get_args

import click
from rich.console import Console

from soundstage.chaos.files import write_json, write_junit
from soundstage.chaos.judge import UNREADABLE
from soundstage.chaos.plan import Plan, plan
from soundstage.chaos.run import Matrix, Setup
from soundstage.chaos.show import Report
from soundstage.core.lint import RULES
from soundstage.core.verdict import Kind
from soundstage.logs import to_stderr
from soundstage.providers import Providers
from soundstage.testing import Server, SoundstageError

_SURVIVED, _NOT_SURVIVED, _UNUSABLE = 0, 1, 2
# As shells say that somebody pressed Ctrl-C.
_INTERRUPTED: Final = 130
# So many calls, of all runs under way, are kept: an app is judged by them as well.
_MOST_CALLS: Final = 50_000
# Of a table that nobody sees while it is printed.
_WIDTH: Final = 160


def start(
    provider_id: str,
    faults: tuple[str, ...],
    scenarios: tuple[str, ...],
    json_file: Path | None,
    junit_file: Path | None,
    ignore: tuple[str, ...],
    **given: Any,
) -> int:
    """Run everything and return the exit code; raises click.UsageError for what cannot be run."""
    providers = Providers()
    _check(providers, provider_id, (json_file, junit_file), ignore)
    try:
        planned = plan(providers[provider_id], providers, faults, scenarios)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    setup = Setup(provider=providers[provider_id], ignore=frozenset(ignore), **given)
    # The server's lines about clients that leave would tear the table apart, and here they leave on purpose.
    to_stderr(level="error")
    console = Console()
    report = Report(setup, planned, console if console.is_terminal else Console(width=_WIDTH))
    try:
        code = asyncio.run(_run(setup, planned, report))
    except asyncio.CancelledError:
        code = _INTERRUPTED
    except SoundstageError as error:
        raise click.UsageError(f"the trials cannot be finished: {error}") from None
    finally:
        report.end()
    if json_file is not None:
        write_json(json_file, setup, planned, report.baseline, report.results)
    if junit_file is not None:
        write_junit(junit_file, setup, planned, report.baseline, report.results)
    return code


def _check(providers: Providers, provider_id: str, files: tuple[Path | None, ...], ignore: tuple[str, ...]) -> None:
    """Refuse what would fail only after everything has run."""
    if provider_id not in providers:
        raise click.UsageError(f"--provider must be one of {', '.join(providers)}, got {provider_id!r}")
    for path in files:
        if path is not None and not path.parent.is_dir():
            raise click.UsageError(f"there is no folder {path.parent} to write {path.name} into")
    known = {*get_args(Kind), *RULES, UNREADABLE}
    if not known.issuperset(ignore):
        raise click.UsageError(f"--ignore may name {', '.join(sorted(known))}, got {', '.join(ignore)}")


async def _run(setup: Setup, planned: Plan, report: Report) -> int:
    task = asyncio.current_task()
    if task is not None and os.name != "nt":
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with tempfile.TemporaryDirectory(prefix="soundstage-chaos-") as folder, Server(journal=_MOST_CALLS) as server:
        matrix = Matrix(setup, server, Path(folder))
        report.begun("the command without any fault")
        try:
            baseline, met = await matrix.baseline()
        except (OSError, SoundstageError) as error:
            raise click.UsageError(f"the command cannot be run: {error}") from None
        report.add_baseline(baseline, met)
        if report.unusable is not None:
            return _UNUSABLE
        async with aclosing(matrix.trials(planned.trials, met, report.begun)) as results:
            async for place, result in results:
                report.add(place, result)
    if not report.tried:
        # Green without having tried anything would be a lie.
        return _UNUSABLE
    return _SURVIVED if report.survived else _NOT_SURVIVED
