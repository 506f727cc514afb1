"""The `soundstage` command."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from soundstage import __version__
from soundstage.chaos.command import chaos
from soundstage.core.clock import MANUAL_START, Mode, iso, parse_iso
from soundstage.core.money import decimal_text, micros
from soundstage.logs import to_stderr
from soundstage.settings import DEFAULT_CREDITS, DEFAULT_PORT, Settings

Command = TypeVar("Command", bound=Callable[..., Any])
_ENV = {"auto_envvar_prefix": "SOUNDSTAGE"}


class Instant(click.ParamType[int]):
    """An ISO 8601 date or date-time."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the instant in milliseconds."""
        if isinstance(value, int):
            return value
        try:
            return parse_iso(value)
        except ValueError:
            self.fail(f"{value!r} is no ISO 8601 instant such as 2026-01-01T00:00:00Z", param, ctx)


class Credits(click.ParamType[int]):
    """An exact decimal amount of credits."""

    name = "credits"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the amount in micros."""
        if isinstance(value, int):
            return value
        try:
            return micros(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Commands(click.Group):
    """The commands here, and those that other packages add by an entry point, loaded when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *self._added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, None when there is none."""
        known = super().get_command(ctx, cmd_name)
        added = {} if known is not None else self._added()
        return added[cmd_name].load() if cmd_name in added else known

    def _added(self) -> dict[str, Any]:
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group="soundstage.commands")}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], **_ENV})
@click.version_option(__version__, prog_name="soundstage")
def main() -> None:
    """Stand in for paid AI-media providers: endpoints, tasks, prices, credits, files, signed callbacks."""


main.add_command(chaos)


def _option(*names: str, **more: Any) -> Callable[[Command], Command]:
    flag = max(names, key=len).lstrip("-").replace("-", "_").upper()
    return click.option(*names, envvar=f"SOUNDSTAGE_{flag}", show_envvar=True, show_default=True, **more)


@main.command()
@_option("--host", default="127.0.0.1", help="Address to bind; beyond loopback the admin API needs --admin-token.")
@_option("--port", "-p", default=DEFAULT_PORT, type=click.IntRange(0, 65535), help="Port; 0 picks a free one.")
@_option("--provider", default=None, help="Serve only this provider, at the root instead of under /<id>.")
@_option("--speed", default=10.0, type=click.FloatRange(0.001, 1_000_000), help="How much faster tasks run.")
@_option("--clock", default="scaled", type=click.Choice(["scaled", "real", "manual"]), help="Clock of new universes.")
@_option("--start-at", default=iso(MANUAL_START), type=Instant(), help="Where manual clocks start.")
@_option("--seed", default=0, type=click.IntRange(0, 2**63 - 1), help="Same seed, same results.")
@_option("--starting-credits", default=decimal_text(DEFAULT_CREDITS), type=Credits(), help="Balance of unknown keys.")
@_option("--scenario", default=None, help="What goes wrong from the start: a scenario's name, or a file.")
@_option("--history", default=0, type=click.IntRange(0, 100_000), help="Past usage rows of every new account.")
@_option("--strict-keys", is_flag=True, help="Refuse keys that nobody registered.")
@_option("--allow-egress", is_flag=True, help="Let callbacks go to public addresses.")
@_option("--public-base-url", default=None, help="Base URL that replies show, for example behind a proxy.")
@_option("--admin-token", default=None, help="Token for the admin API, required beyond loopback.")
@_option("--port-file", default=None, type=click.Path(dir_okay=False, path_type=Path), help="Write the port here.")
@_option("--log-format", default="text", type=click.Choice(["text", "json"]), help="Log format, to stderr.")
def serve(port_file: Path | None, log_format: Literal["text", "json"], clock: Mode, **given: Any) -> None:
    """Run the server until it is told to stop."""
    to_stderr(log_format)
    settings = Settings(clock=clock, **given)
    try:
        _run(_serve(settings, port_file))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None


async def _serve(settings: Settings, port_file: Path | None) -> None:
    from soundstage.app import create_app

    try:
        stage = create_app(settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    url = await stage.start()
    if port_file is not None:
        port_file.write_text(f"{url.rsplit(':', 1)[1]}\n")  # noqa: ASYNC240 - before the first call
    click.echo("State is kept in memory only and ends with this process.", err=True)
    click.echo(f"READY {url}")
    gc.collect()
    gc.freeze()
    try:
        await stop.wait()
    finally:
        await stage.stop()
        if port_file is not None:
            port_file.unlink(missing_ok=True)  # noqa: ASYNC240 - after the last call


@main.command()
@_option("--host", default="127.0.0.1", help="Where the server listens.")
@_option("--port", "-p", default=DEFAULT_PORT, type=click.IntRange(1, 65535), help="Its port.")
def env(host: str, port: int) -> None:
    """Print the base URLs as shell exports: eval "$(soundstage env)"."""
    from soundstage.providers import Providers

    for provider_id, provider in Providers().items():
        click.echo(f"export {provider.base_url_variable}=http://{host}:{port}/{provider_id}")


@main.command(name="listen")
@_option("--host", default="127.0.0.1", help="Address to bind.")
@_option("--port", "-p", default=4099, type=click.IntRange(0, 65535), help="Port; 0 picks a free one.")
@_option("--forward-to", default=None, help="URL on this machine or network that gets each callback as it came.")
@_option("--secret", default=None, help="Webhook secret to check signatures with.")
def listen_command(host: str, port: int, forward_to: str | None, secret: str | None) -> None:
    """Receive callbacks, print each with its verdict, and pass it on."""
    try:
        _run(_listen(host, port, forward_to, secret))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None


async def _listen(host: str, port: int, forward_to: str | None, secret: str | None) -> None:
    from rich.console import Console

    from soundstage.edge.listen import listen

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await listen(host=host, port=port, secret=secret, forward_to=forward_to, console=Console(), stop=stop)


def _reaches(command: Command) -> Command:
    """Add what says which running server is meant, and whose universe."""
    url = _option("--url", default=f"http://127.0.0.1:{DEFAULT_PORT}", help="The running server.")
    key = _option("--key", required=True, help="An API key; what is done happens in its universe.")
    token = _option("--admin-token", default=None, help="The server's admin token, where it has one.")
    return url(key(token(command)))


@main.command()
@click.option("--seconds", type=float, help="So many seconds of the universe's time.")
@click.option("--to", type=click.Choice(["next-event"]), help="As far as the next thing that happens.")
@click.option("--until", type=click.Choice(["idle"]), help="Until nothing is left to happen; the default.")
@_reaches
def advance(seconds: float | None, to: str | None, until: str | None, **server: Any) -> None:
    """Move a universe's clock forward; everything that falls due on the way happens."""
    from soundstage.testing.clock import Clock

    if sum(one is not None for one in (seconds, to, until)) > 1:
        raise click.UsageError("--seconds, --to and --until exclude each other; keep one of them")

    def move(ask: Any) -> str:
        clock = Clock(ask)
        moved = clock.next_event() if to else clock.idle() if seconds is None else clock.advance(seconds)
        return f"{moved['now']}  {moved['events_run']} events"

    _told(server, move)


@main.command()
@click.argument("delivery")
@_reaches
def resend(delivery: str, **server: Any) -> None:
    """Send a callback once more, by its delivery's id."""
    from soundstage.testing.records import Callbacks

    _told(server, lambda ask: f"{delivery} is sent again to {Callbacks(ask).resend(delivery)['url']}")


def _told(server: dict[str, Any], do: Callable[[Any], str]) -> None:
    """Print what came of something done on a running server."""
    from soundstage.testing.line import Line, SoundstageError

    try:
        with closing(Line(server["url"], server["admin_token"])) as line:
            click.echo(do(partial(line.call, key=server["key"])))
    except SoundstageError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.argument("name", required=False)
@_option("--check", default=None, type=click.Path(), help="Only check this file; exit code 2 when it has mistakes.")
def scenarios(name: str | None, check: str | None) -> None:
    """List the scenarios that come with the product, or print one."""
    from soundstage.faults import Faults
    from soundstage.providers import Providers
    from soundstage.scenarios import ScenarioError, descriptions, read_scenario, text_of

    try:
        if check is not None:
            found = read_scenario(Path(check), Faults(), Providers())
            click.echo(f"{check} is fine: {found.name}, {len(found.rules)} rules")
        elif name is not None:
            click.echo(text_of(name), nl=False)
        else:
            _columns(descriptions().items())
    except ScenarioError as error:
        raise click.UsageError(str(error)) from None


@main.command()
@click.argument("name", required=False)
def faults(name: str | None) -> None:
    """List what can go wrong, or print one fault's parameters."""
    from soundstage.faults import Faults
    from soundstage.faults.catalogue import entries
    from soundstage.validation import nearest

    library = Faults()
    if name is None:
        _columns((entry["name"], entry["says"]) for entry in entries(library))
        return
    if name not in library:
        close = nearest(name, library, 0.5)
        hint = "soundstage faults lists them" if close is None else f"did you mean {close}?"
        raise click.UsageError(f"there is no fault {name[:60]!r}; {hint}")
    (entry,) = [one for one in entries(library) if one["name"] == name]
    click.echo(entry["says"])
    _columns((parameter, _described(schema)) for parameter, schema in entry["parameters"].items())


@main.command()
def magic() -> None:
    """List the words that bend a request from inside its prompt, and the last words of keys."""
    from soundstage.faults.magic import SUFFIXES, TOKENS

    _columns((one.shown, one.says) for one in (*TOKENS, *SUFFIXES))


def _described(schema: dict[str, Any]) -> str:
    """Return what a parameter may be, from its JSON schema."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    allowed = [" or ".join(map(str, one["enum"])) if "enum" in one else str(one.get("type", "")) for one in kinds]
    ends = [(one["minimum"], one["maximum"]) for one in kinds if "minimum" in one and "maximum" in one]
    span = [f"{least} to {most}" for least, most in ends]
    default = schema.get("default")
    usual = [] if default in {None, ""} else [f"default {default}"]
    told = ", ".join([" or ".join(allowed), *span, *usual])
    return f"{told}: {schema['description']}" if "description" in schema else told


def _columns(rows: Iterable[tuple[str, str]]) -> None:
    listed = list(rows)
    width = max((len(first) for first, _ in listed), default=0)
    for first, second in listed:
        click.echo(f"{first:<{width}}  {second}")


def _run(main_: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main_)
    else:
        uvloop.run(main_)
