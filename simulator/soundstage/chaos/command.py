"""`soundstage chaos`: which of the things that go wrong with a provider does an app survive?"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def _pairs(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = tuple((name, text) for name, sign, text in (one.partition("=") for one in given) if sign and name)
    if len(found) != len(given):
        raise click.BadParameter("write it like MY_URL={midsync}/v1")
    return found


def _option(name: str, *parameter: str, **more: Any) -> Callable[[Command], Command]:
    variable = f"SOUNDSTAGE_CHAOS_{name.lstrip('-').upper()}"
    return click.option(name, *parameter, envvar=variable, show_envvar=True, **more)


@click.command(context_settings={"show_default": True})
@_option("--provider", "provider_id", required=True, metavar="ID", help="The provider that has bad days.")
@_option("--faults", multiple=True, metavar="PATTERN", help="Only these, such as task/fail or 'callback/*'.")
@_option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME|FILE",
    help="Try a whole scenario; beside faults only where --faults names some.",
)
@_option("--jobs", type=click.IntRange(1, 256), help="How many run at a time; one for each processor by default.")
@_option("--timeout", default=60.0, type=click.FloatRange(0.1, 86_400), help="Seconds that each run may take.")
@_option("--seed", default=0, type=click.IntRange(0, 2**63 - 1), help="Same seed, same results.")
@_option("--speed", default=1000.0, type=click.FloatRange(0.001, 1_000_000), help="How much faster tasks run.")
@_option("--clock", default="scaled", type=click.Choice(["scaled", "real", "manual"]), help="Clock of the runs.")
@_option("--env", multiple=True, callback=_pairs, metavar="NAME=TEMPLATE", help="A variable for the command.")
@_option("--ignore", multiple=True, metavar="FINDING", help="A finding that does not count.")
@_option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the results here.")
@_option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="And as JUnit XML here.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def chaos(
    provider_id: str, faults: tuple[str, ...], scenarios: tuple[str, ...], jobs: int | None, **given: Any
) -> None:
    """Run COMMAND once for each thing that can go wrong, and tell which of them it survives.

    It runs without any fault first. Each run has a universe of its own, whose addresses and key are in the environment:
    the base URL and API key of every provider, SOUNDSTAGE_WEBHOOK_SECRET, and in --env also {midsync}, {key} and
    {webhook_secret}. It survives when it ends with 0 in time and nothing in its universe is wrong. What it believes of
    its tasks it may write to the file SOUNDSTAGE_BELIEFS: [{"task_id", "outcome", "credits"}].

    Ends with 0 when all were survived, 1 when not, and 2 when it fails without any fault.
    """
    from soundstage.chaos.start import start  # noqa: PLC0415 - what is heavy waits until the command runs

    sys.exit(start(provider_id, faults, scenarios, jobs=jobs or os.cpu_count() or 1, **given))
