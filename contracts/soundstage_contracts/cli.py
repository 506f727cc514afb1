"""The command `soundstage verify`: is this implementation the provider?"""

from __future__ import annotations

import importlib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(dir_okay=False, path_type=Path)
_LAYERS = ("L0", "L1", "L2", "L3")
_MISSING = "The contract suite is not installed; add it with: pip install 'soundstage[contracts]'"


class Credits(click.ParamType[Decimal]):
    """An exact amount of the provider's credits, 0 or more."""

    name = "credits"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Return the amount."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no number of credits", param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is no number of credits, 0 or more", param, ctx)
        return amount


class Layers(click.ParamType[tuple[str, ...]]):
    """Layers of the suite, separated by commas."""

    name = "layers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the layers in their order."""
        if isinstance(value, tuple):
            return value
        asked = {one.strip().upper() for one in str(value).split(",")}
        if unknown := asked - set(_LAYERS):
            self.fail(f"{', '.join(sorted(unknown))} is no layer; they are {', '.join(_LAYERS)}", param, ctx)
        return tuple(one for one in _LAYERS if one in asked)


@click.command()
@click.argument("provider", required=False)
@click.option(
    "--base-url",
    metavar="URL",
    help="What stands in for the provider's scheme and host; a simulator of its own without.",
)
@click.option("--api-key", envvar="SOUNDSTAGE_API_KEY", show_envvar=True, metavar="KEY", help="The key to call with.")
@click.option(
    "--adapter",
    type=click.Choice(["soundstage", "none"]),
    help="What sets the target up; soundstage without --base-url.",
)
@click.option("--admin-url", metavar="URL", help="Where the adapter's admin API is; the target's host without.")
@click.option("--admin-token", envvar="SOUNDSTAGE_ADMIN_TOKEN", show_envvar=True, help="The admin API's token.")
@click.option("--assumptions/--no-assumptions", default=None, help="Try what no document says; on with an adapter.")
@click.option("--max-credits", type=Credits(), help="Never spend more; 0, which only reads, without an adapter.")
@click.option("--max-requests", type=click.IntRange(1), help="Never send more requests; needs --max-credits.")
@click.option("--layers", type=Layers(), help="Such as L0,L2; all with an adapter, L0,L2 without.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1), help="Same seed, same requests."
)
@click.option("--only", multiple=True, metavar="ID", help="Only promises whose ids begin so; may be given again.")
@click.option("--callback-url", metavar="URL", help="A tunnel to --callback-port, for a distant target.")
@click.option(
    "--callback-port", default=0, type=click.IntRange(0, 65535), help="Where callbacks are received; 0 picks a port."
)
@click.option(
    "--webhook-secret", envvar="SOUNDSTAGE_WEBHOOK_SECRET", show_envvar=True, help="What callbacks are signed with."
)
@click.option(
    "--patience",
    default=300.0,
    show_default=True,
    type=click.FloatRange(1),
    help="Seconds a task may take in real time.",
)
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
    is wrong, 3 when nobody answers, 130 when it was interrupted; reports are written in any case.
    """
    try:
        command = importlib.import_module("soundstage_contracts.command.verify")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"soundstage_contracts", "soundstage"}:
            raise
        raise click.UsageError(_MISSING) from None
    context.exit(command.verify(given))
