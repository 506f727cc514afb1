"""The command `soundstage verify`: is this implementation the provider?"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from soundstage_contracts.command.spec import SPECS, Spec

_FILE = click.Path(dir_okay=False, path_type=Path)
_MISSING = "The contract suite is not installed; add it with: pip install 'soundstage[contracts]'"


class _Read(click.ParamType[Any]):
    """A value that is read as its option's spec says."""

    def __init__(self, spec: Spec) -> None:
        self.name = spec.name
        self._read = spec.read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value; one that is the default already is left as it is."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command an option for each spec, in their order."""
    for spec in reversed(SPECS):
        names = f"{spec.flag}/{spec.off}" if spec.switch else spec.flag
        typed = {} if spec.switch else {"type": _Read(spec), "metavar": spec.metavar, "multiple": spec.many}
        shown = {"envvar": spec.environment, "show_envvar": spec.environment is not None, "help": spec.says}
        command = click.option(names, default=spec.default, **typed, **shown)(command)  # type: ignore[arg-type]
    return command


@click.command()
@click.argument("provider", required=False)
@_told
@click.option(
    "--tape", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Check a recorded tape, offline."
)
@click.option("--tape-out", type=_FILE, help="Record every exchange here, without secrets.")
@click.option("--report-json", type=_FILE, help="Write the report as JSON here.")
@click.option("--report-junit", type=_FILE, help="Write it as JUnit XML here.")
@click.option("--report-html", type=_FILE, help="Write it as one HTML page here.")
@click.option(
    "--summary", type=_FILE, envvar="GITHUB_STEP_SUMMARY", show_envvar=True, help="Add it as Markdown to this file."
)
@click.option("--list", "catalogue", is_flag=True, help="List the promises with their sources, and stop.")
@click.option("--explain", metavar="ID", help="Say what one promise is and where it comes from, and stop.")
@click.pass_context
def verify(context: click.Context, /, **given: Any) -> None:
    """Say whether an implementation keeps the contract of PROVIDER (or of `all`).

    Exits with 0 when every promise that could be tried was kept, 1 when one was broken, 2 when the command or the key
    is wrong, 3 when nobody answers, 70 when the suite itself is broken, 130 when it was interrupted;
    what was done until then is reported.
    """
    try:
        command = importlib.import_module("soundstage_contracts.command.verify")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"soundstage_contracts", "soundstage"}:
            raise
        raise click.UsageError(_MISSING) from None
    context.exit(command.verify(given))
