"""The pytest plugin: a fixture `soundstage`, with a universe and a key of its own for every test.

Source: pytest-httpserver's fixtures (one server a session, one clean state a test).
"""

import json
import math
import os
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # Loading these takes time, so it waits until a test asks for the fixture.
    from soundstage.testing import Soundstage
    from soundstage.testing.line import Line

_MARKER = "soundstage(clock=, speed=, now=, scenario=, seed=, balance=, env={}): how the universe of this test begins"
# What the marker may say, of which kinds, and how that is told.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "clock": ((str,), "'scaled', 'real' or 'manual'"),
    "speed": ((int, float), "a finite number"),
    "now": ((str, datetime), "an ISO 8601 text, or a datetime with a zone"),
    "scenario": ((str, Path, Mapping), "a name, a file's path, or a document that JSON can hold"),
    "seed": ((int,), "a whole number"),
    "balance": ((str, int, Decimal), "a decimal text, a Decimal or a whole number"),
    "env": ((Mapping,), 'like {"MY_URL": "{midsync}/v1"}'),
}
_MANUAL_START = "2026-01-01T00:00:00Z"
_stage_key = pytest.StashKey["Soundstage"]()
_scenario_key = pytest.StashKey[Any]()
_failed_key = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini settings."""
    group = parser.getgroup("soundstage")
    group.addoption("--soundstage-url", metavar="URL", default=None, help="use this running Soundstage server")
    parser.addini("soundstage_url", "a running Soundstage server; without one, tests start their own", default="")
    parser.addini("soundstage_clock", "clock of the tests' universes: scaled, real or manual", default="scaled")
    parser.addini("soundstage_speed", "how much faster than documented tasks run in tests", default="1000")
    parser.addini(
        "soundstage_env", "environment variables of tests, NAME = text with {midsync}, {key}", type="linelist"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def soundstage_server(request: pytest.FixtureRequest) -> "Iterator[Line]":
    """Return the line to the server of this session; its `url` is where apps find the providers."""
    from soundstage.testing import Server  # noqa: PLC0415 - loaded by the first test that needs it
    from soundstage.testing.line import Line  # noqa: PLC0415

    config = request.config
    given = config.getoption("soundstage_url") or os.environ.get("SOUNDSTAGE_URL") or config.getini("soundstage_url")
    if not given:
        with Server() as server:
            yield server.line
        return
    line = Line(str(given), os.environ.get("SOUNDSTAGE_ADMIN_TOKEN"))
    yield line
    line.close()


@pytest.fixture
def soundstage(
    request: pytest.FixtureRequest, soundstage_server: "Line", monkeypatch: pytest.MonkeyPatch
) -> "Iterator[Soundstage]":
    """Return this test's universe; the environment variables of every provider lead the app there.

    The key is made from the test's id, so another run gives the same results. A test that fails leaves its universe
    on a server that goes on running.
    """
    from soundstage.core.randomness import key_digest  # noqa: PLC0415
    from soundstage.testing import Soundstage, SoundstageError  # noqa: PLC0415
    from soundstage.testing.client import names_a_file  # noqa: PLC0415

    node = request.node
    how, env = _chosen(node)
    # Under `soundstage chaos` the same test runs many times at once, and it judges the universes in the end.
    home = os.environ.get("SOUNDSTAGE_UNIVERSE", "")
    key = f"sk_test_{key_digest(home + node.nodeid)[:24]}"
    if home:
        how["universe"] = f"{home}.{key_digest(node.nodeid)[:24]}"
    refused, scenario = None, how.get("scenario")
    try:
        stage = Soundstage.open(soundstage_server, key, **how)
        variables = stage.env | {name: stage.expand(text) for name, text in env.items()}
    except SoundstageError as error:
        refused = error
    if refused is not None:
        pytest.fail(f"soundstage: {refused}", pytrace=False)
    node.stash[_stage_key] = stage
    node.stash[_scenario_key] = Path(scenario).absolute() if names_a_file(scenario) else scenario
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield stage
    if not home and not node.stash.get(_failed_key, False):
        stage.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what happened in the universe to the report of a test that failed."""
    report = yield
    stage = item.stash.get(_stage_key, None)
    if stage is not None and report.failed and call.when != "teardown":
        item.stash[_failed_key] = True
        report.sections.append(("soundstage", _story(item, stage)))
    return report


def _story(item: pytest.Item, stage: "Soundstage") -> str:
    from soundstage.testing import SoundstageError  # noqa: PLC0415
    from soundstage.testing.timeline import replay, timeline  # noqa: PLC0415

    try:
        lines = timeline(stage)
    except SoundstageError as error:
        lines = [f"what happened cannot be told: {error}"]
    scenario, remark = _to_load(item, stage.opened["scenario"])
    restores = shlex.quote(replay(stage.opened, scenario))
    return "\n".join([*lines, f"replay: SOUNDSTAGE_REPLAY={restores} pytest {shlex.quote(item.nodeid)}{remark}"])


def _to_load(item: pytest.Item, name: str | None) -> tuple[str | None, str]:
    """Return what a replay loads as its scenario, a name or a file as seen from the rootdir, and a remark on it."""
    given = item.stash[_scenario_key]
    if isinstance(given, Mapping):
        return None, "  # its scenario is a document of the test"
    if not isinstance(given, Path):
        return name, ""
    path = os.path.relpath(given, item.config.rootpath)
    return (None, "  # its scenario is a file that the test names") if ";" in path else (path, "")


def _chosen(node: pytest.Item) -> tuple[dict[str, Any], dict[str, str]]:
    """Return how a test's universe begins and which variables it wants: by ini, then marker, then replay."""
    config = node.config
    how: dict[str, Any] = {
        "clock": config.getini("soundstage_clock"),
        "speed": _speed(config.getini("soundstage_speed")),
    }
    env = dict(_env_line(line) for line in config.getini("soundstage_env"))
    for marker in reversed(list(node.iter_markers("soundstage"))):
        given = _checked(marker)
        env |= given.pop("env", {})
        how |= given
    how |= _replayed(os.environ.get("SOUNDSTAGE_REPLAY", ""), config.rootpath)
    if how["clock"] == "manual":
        how.setdefault("now", _MANUAL_START)
    return how, env


def _checked(marker: pytest.Mark) -> dict[str, Any]:
    unknown = [repr(value) for value in marker.args] + [name for name in marker.kwargs if name not in _KINDS]
    if unknown:
        allowed = ", ".join(f"{name}=" for name in _KINDS)
        pytest.fail(f"@pytest.mark.soundstage takes {allowed} and not {', '.join(unknown)}", pytrace=False)
    for name, value in marker.kwargs.items():
        kinds, said = _KINDS[name]
        if not isinstance(value, kinds) or isinstance(value, bool) or not _usable(value):
            pytest.fail(f"@pytest.mark.soundstage: {name} must be {said}, got {value!r}"[:500], pytrace=False)
    for name, value in marker.kwargs.get("env", {}).items():
        if not _is_variable(name, value):
            said = "a name without '=' and a text, neither with a NUL"
            pytest.fail(f"@pytest.mark.soundstage: env must have {said}, got {name!r}: {value!r}", pytrace=False)
    return dict(marker.kwargs)


def _usable(value: Any) -> bool:
    """Tell whether a value of the right kind can be sent: a finite number, an instant with a zone, plain JSON."""
    if isinstance(value, float | Decimal):
        return math.isfinite(value)
    if isinstance(value, datetime):
        return value.tzinfo is not None
    try:
        json.dumps(dict(value) if isinstance(value, Mapping) else str(value), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_variable(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return bool(name) and "=" not in name and "\0" not in name + value


def _env_line(line: str) -> tuple[str, str]:
    name, sign, text = line.partition("=")
    if not sign or not name.strip():
        pytest.fail(f"soundstage_env: a line is like MY_URL = {{midsync}}/v1, got {line!r}", pytrace=False)
    return name.strip(), text.strip()


def _speed(text: str) -> float:
    try:
        return _finite(text)
    except ValueError:
        pytest.fail(f"soundstage_speed must be a number, got {text!r}", pytrace=False)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_REPLAYED: Mapping[str, Callable[[str], Any]] = {
    "seed": int,
    "clock": str,
    "speed": _finite,
    "now": str,
    "scenario": str,
}


def _replayed(text: str, root: Path) -> dict[str, Any]:
    """Return how a universe begins by a replay line, whose files are seen from the rootdir."""
    from soundstage.testing.client import names_a_file  # noqa: PLC0415

    found: dict[str, Any] = {}
    for part in filter(None, text.split(";")):
        name, _, value = part.partition("=")
        try:
            found[name] = _REPLAYED[name](value)
        except (KeyError, ValueError):
            allowed = ";".join(f"{name}=..." for name in _REPLAYED)
            pytest.fail(f"SOUNDSTAGE_REPLAY is like '{allowed}', got {part!r}", pytrace=False)
    if names_a_file(found.get("scenario")):
        found["scenario"] = root / found["scenario"]
    return found
