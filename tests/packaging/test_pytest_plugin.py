"""The pytest plugin as its users have it: each test here runs a small test suite of somebody else's."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from soundstage.testing import Server

pytest_plugins = ["pytester"]

APP = '''
import json, os, urllib.error, urllib.request


def create(prompt="a fox runs"):
    """Make a video, as an app that reads its environment does."""
    body = json.dumps({"model": "kling-2.5-turbo", "prompt": prompt, "duration": 5}).encode()
    headers = {"Authorization": "Bearer " + os.environ["MIDSYNC_API_KEY"], "Content-Type": "application/json"}
    url = os.environ["MIDSYNC_BASE_URL"] + "/v1/videos/generations"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers)) as answer:
            return json.load(answer)["taskId"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code
'''


@pytest.fixture
def loaded() -> Iterator[dict[str, ModuleType]]:
    """Put back what pytester takes away: the modules that the server in this process has loaded meanwhile.

    Loaded a second time, YAML's would no longer know their own nodes.
    """
    modules: dict[str, ModuleType] = {}
    yield modules
    sys.modules.update(modules)


@pytest.fixture
def suite(
    loaded: dict[str, ModuleType], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.Pytester]:
    """Return an empty suite whose warnings are errors, with an app beside it."""
    for name in [name for name in os.environ if name.startswith(("SOUNDSTAGE_", "PYTEST_", "COV_"))]:
        monkeypatch.delenv(name)
    pytester.makepyfile(app=APP)
    yield pytester
    loaded.update(sys.modules)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def run(suite: pytest.Pytester, tests: str, *more: str, ini: str = "") -> pytest.RunResult:
    """Run these tests in a process of their own."""
    suite.makeini(
        f"[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider --strict-markers --strict-config\n{ini}"
    )
    suite.makepyfile(test_it="import asyncio, datetime, os\nimport pytest\nfrom app import create\n\n" + tests)
    return suite.runpytest_subprocess(*more, timeout=120)


def test_a_test_has_a_universe_and_an_app_that_leads_there(suite: pytest.Pytester) -> None:
    tests = """
seen = []


def test_sync(soundstage):
    task = create()
    soundstage.clock.idle()
    assert soundstage.tasks.get(task)["state"] == "succeeded"
    assert soundstage.clock.show()["mode"] == "scaled"
    assert soundstage.clock.show()["speed"] == 1000
    assert soundstage.requests.assert_called_once_with(operation="create")["status"] == 200
    seen.append((soundstage.key, task))


@pytest.mark.asyncio
async def test_async(soundstage):
    await asyncio.to_thread(create)
    await soundstage.clock.aidle()
    assert [task["state"] for task in await soundstage.tasks.alist()] == ["succeeded"]
    seen.append((soundstage.key, ""))


@pytest.mark.anyio
async def test_anyio(soundstage, anyio_backend):
    assert await soundstage.tasks.alist() == []


class TestMore:
    def test_nothing_is_left_of_others(self, soundstage):
        assert soundstage.tasks.list() == []
        seen.append((soundstage.key, ""))


def test_keys_differ_and_nothing_of_them_stays():
    assert len({key for key, _ in seen}) == 3
    assert all(key.startswith("sk_test_") for key, _ in seen)
    assert "MIDSYNC_BASE_URL" not in os.environ


@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
    run(suite, tests).assert_outcomes(passed=5)


def test_the_marker_the_ini_file_and_the_environment_say_how_a_universe_begins(suite: pytest.Pytester) -> None:
    tests = """
pytestmark = pytest.mark.soundstage(seed=3, env={"APP_KEY": "{key}", "BOTH": "module"})


@pytest.mark.soundstage(clock="manual", balance="36", env={"SECRET": "{webhook_secret.midsync}", "BOTH": "test"})
def test_manual(soundstage):
    assert soundstage.clock.now == datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert soundstage.opened["seed"] == 3
    assert os.environ["MY_URL"] == soundstage.base_url("midsync") + "/v1"
    assert (os.environ["APP_KEY"], os.environ["BOTH"]) == (soundstage.key, "test")
    assert os.environ["SECRET"] == soundstage.webhook_secret("midsync")
    assert isinstance(create(), str)
    assert create() == 402


@pytest.mark.soundstage(clock="manual", now="2030-05-06T00:00:00Z", scenario="lost-create")
def test_scenario(soundstage):
    assert soundstage.clock.now.year == 2030
    assert soundstage.opened["scenario"] == "lost-create"


def test_ini(soundstage):
    assert soundstage.clock.show()["speed"] == 250
    assert os.environ["BOTH"] == "module"
"""
    ini = "soundstage_speed = 250\nsoundstage_env =\n    MY_URL = {midsync}/v1\n    BOTH = ini\n"
    run(suite, tests, ini=ini).assert_outcomes(passed=3)


def test_what_a_marker_may_not_say_is_told_with_what_it_may(suite: pytest.Pytester) -> None:
    tests = """
@pytest.mark.soundstage(clok="manual")
def test_name(soundstage): ...


@pytest.mark.soundstage("manual")
def test_position(soundstage): ...


@pytest.mark.soundstage(clock="manuel")
def test_clock(soundstage): ...


@pytest.mark.soundstage(scenario="gloomy")
def test_scenario(soundstage): ...


@pytest.mark.soundstage(env={"X": "{midsink}"})
def test_template(soundstage): ...


@pytest.mark.soundstage(env=["X"])
def test_env(soundstage): ...
"""
    result = run(suite, tests)
    result.assert_outcomes(errors=6)
    takes = "@pytest.mark.soundstage takes clock=, speed=, now=, scenario=, seed=, balance=, env= and not"
    result.stdout.fnmatch_lines(
        [
            f"{takes} clok",
            f"{takes} 'manual'",
            "soundstage: clock: Input should be 'real', 'scaled' or 'manual'*",
            "soundstage: there is no scenario 'gloomy'*",
            "soundstage: '{midsink}' may name {key}, *{webhook_secret.midsync}*, not {midsink}",
            """@pytest.mark.soundstage: env must be like {"MY_URL": "{midsync}/v1"}, got *'X'*""",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling*")


UNUSABLE = {
    "scenario=3": "scenario must be a name, a file's path, or a document that JSON can hold, got 3",
    "scenario={'name': float('nan')}": "scenario must be a name, *got {'name': nan}",
    "scenario={'name': object()}": "scenario must be a name, *",
    "speed=float('nan')": "speed must be a finite number, got nan",
    "speed=float('inf')": "speed must be a finite number, got inf",
    "speed='10'": "speed must be a finite number, got '10'",
    "clock=5": "clock must be 'scaled', 'real' or 'manual', got 5",
    "seed=True": "seed must be a whole number, got True",
    "now=datetime.datetime(2026, 1, 1)": "now must be an ISO 8601 text, or a datetime with a zone, got *",
    "balance=1.5": "balance must be a decimal text, a Decimal or a whole number, got 1.5",
    "env={'A=B': 'x'}": "env must have a name without '=' and a text, neither with a NUL, got 'A=B': 'x'",
    "env={'': 'x'}": "env must have a name *, got '': 'x'",
    "env={'A': 'x\\0'}": "env must have a name *, got 'A': 'x*",
    "env={'A': 5}": "env must have a name *, got 'A': 5",
}


def test_a_value_that_no_universe_can_begin_with_is_told_and_nothing_else_breaks(suite: pytest.Pytester) -> None:
    tests = "".join(
        f"@pytest.mark.soundstage({given})\ndef test_{number}(soundstage): ...\n\n\n"
        for number, given in enumerate(UNUSABLE)
    )
    result = run(suite, tests)
    result.assert_outcomes(errors=len(UNUSABLE))
    for said in UNUSABLE.values():
        result.stdout.fnmatch_lines([f"@pytest.mark.soundstage: {said}"])
    result.stdout.no_fnmatch_line("*Error: *")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_bad_ini_line_or_server_is_told(suite: pytest.Pytester) -> None:
    tests = "def test_it(soundstage): ...\n"
    for ini, said in (
        ("soundstage_env = MY_URL", "soundstage_env: a line is like MY_URL = {midsync}/v1, got 'MY_URL'"),
        ("soundstage_speed = fast", "soundstage_speed must be a number, got 'fast'"),
        ("soundstage_speed = nan", "soundstage_speed must be a number, got 'nan'"),
        ("soundstage_url = http://127.0.0.1:9", "soundstage: http://127.0.0.1:9 does not answer POST *"),
    ):
        result = run(suite, tests, ini=ini)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([said])


AS_IT_WAS = "seed=5;clock=manual;now=2026-01-01T00:00:00.000Z"
BROKEN = """
@pytest.mark.soundstage(clock="manual", seed=5)
def test_broken(soundstage):
    soundstage.faults.add("http/status", status=503, when={"nth": 2})
    ids = [create(), create()]
    soundstage.clock.idle()
    print("ID", ids[0], "AT", soundstage.clock.now.isoformat())
    assert False
"""


def test_a_test_that_fails_tells_the_story_of_its_universe_and_how_to_repeat_it(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(suite, BROKEN)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- soundstage -*",
            "universe u_*: manual clock at 2026-01-01T00:01:*, opened at 2026-01-01T00:00:00.000Z",
            "faults: http/status (acted 1 times)",
            "*+0.000s call *POST /midsync/v1/videos/generations (createVideo) -> 200, sent *",
            "*+0.000s call *[[]http/status] POST *-> 503*",
            "*+0.000s ledger *reserve 35 gen_*",
            "*task *gen_* succeeded",
            f"replay: SOUNDSTAGE_REPLAY='{AS_IT_WAS}' pytest test_it.py::test_broken",
        ]
    )
    story = result.stdout.str().partition("- soundstage -")[2].partition("replay:")[0]
    assert story.count("\n") < 60
    first = re.findall("ID gen_.*", result.stdout.str())
    # In another clock and with another seed, the line brings back what was.
    other = BROKEN.replace('clock="manual", seed=5', 'clock="scaled", seed=8')
    monkeypatch.setenv("SOUNDSTAGE_REPLAY", AS_IT_WAS)
    assert re.findall("ID gen_.*", run(suite, other).stdout.str()) == first != []
    for wrong in ("speed=nan", "sede=5"):
        monkeypatch.setenv("SOUNDSTAGE_REPLAY", wrong)
        result = run(suite, BROKEN)
        result.stdout.fnmatch_lines([f"SOUNDSTAGE_REPLAY is like 'seed=...;clock=...;*', got {wrong!r}"])


FATES = """
@pytest.mark.soundstage(clock="manual"{how})
def test_fates(soundstage):
    {fault}
    print("FATES", [create(f"fox {{n}}") == 503 for n in range(16)])
    assert False
"""
RULE = 'soundstage.faults.add("http/status", status=503, when={"probability": 0.5})'
DOCUMENT = """{
  "name": "coin", "description": "Every other create is refused, by chance.",
  "faults": [{"fault": "http/status", "with": {"status": 503}, "when": {"probability": 0.5}}]
}"""


def fates(result: pytest.RunResult) -> tuple[list[str], str, str]:
    """Return what became of each call of a failed test, and the value and the rest of its replay line."""
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    replay = re.search("replay: SOUNDSTAGE_REPLAY='(.*)' pytest test_it.py::test_fates(.*)", text)
    assert replay is not None, text
    return re.findall("FATES (.*)", text), replay[1], replay[2]


def test_a_replay_brings_back_what_chance_decided(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    first, line, _ = fates(run(suite, FATES.format(how=", seed=5", fault=RULE)))
    assert ("True" in first[0], "False" in first[0]) == (True, True)
    other = FATES.format(how=", seed=6", fault=RULE)
    assert fates(run(suite, other))[0] != first
    monkeypatch.setenv("SOUNDSTAGE_REPLAY", line)
    assert fates(run(suite, other)) == (first, line, "")


def test_a_replay_names_a_scenario_by_what_can_be_loaded(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = suite.mkdir("bad days")
    (folder / "mine.yaml").write_text(DOCUMENT)
    named = {
        '"happy"': (";scenario=happy", ""),
        '"bad days/mine.yaml"': (f";scenario=bad days{os.sep}mine.yaml", ""),
        "__import__('pathlib').Path('bad days', 'mine.yaml')": (f";scenario=bad days{os.sep}mine.yaml", ""),
        DOCUMENT: ("", "  # its scenario is a document of the test"),
    }
    found = {}
    for scenario, (shown, remark) in named.items():
        outcome = fates(run(suite, FATES.format(how=f", seed=5, scenario={scenario}", fault="...")))
        assert (outcome[1].partition("Z")[2], outcome[2]) == (shown, remark)
        found[scenario] = outcome
    # From another folder, in a test that knows nothing of the scenario.
    *_, (by_file, line, _), by_document = found.values()
    assert by_document[0] == by_file != found['"happy"'][0]
    monkeypatch.setenv("SOUNDSTAGE_REPLAY", line)
    monkeypatch.chdir(folder)
    again = run(suite, FATES.format(how="", fault="..."), f"--rootdir={suite.path}", str(suite.path / "test_it.py"))
    assert re.findall("FATES (.*)", again.stdout.str()) == by_file


def test_a_story_that_cannot_be_told_says_why(suite: pytest.Pytester) -> None:
    tests = """
from soundstage.testing import SoundstageError


def refuse(*args):
    raise SoundstageError("unreachable", "nobody answers")


def test_gone(soundstage):
    soundstage._line.exchange = refuse
    assert False
"""
    result = run(suite, tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["what happened cannot be told: nobody answers", "replay: SOUNDSTAGE_REPLAY=*"])


def test_two_hundred_tests_in_eight_processes_never_meet_on_one_server(suite: pytest.Pytester, server: Server) -> None:
    tests = """
@pytest.mark.soundstage(clock="manual")
@pytest.mark.parametrize("number", range(200))
def test_alone(soundstage, number):
    made = {create() for _ in range(2 + number % 2)}
    assert {task["id"] for task in soundstage.tasks.list()} == made
    assert soundstage.requests.count(operation="create") == len(made)
    soundstage.clock.idle()
    assert {task["state"] for task in soundstage.tasks.list()} == {"succeeded"}
    assert soundstage.ledger.balance("midsync") == 1000 - 35 * len(made)
    assert soundstage.invariants()["ok"]
"""
    result = run(suite, tests, "-n", "8", f"--soundstage-url={server.url}")
    result.assert_outcomes(passed=200)
    # Universes of tests that passed do not stay.
    assert server.line.call("GET", "/universes")["universes"] == []


def test_without_a_server_every_process_has_its_own(suite: pytest.Pytester) -> None:
    tests = """
@pytest.mark.parametrize("number", range(8))
def test_alone(soundstage, number):
    create()
    assert len(soundstage.tasks.list()) == 1
"""
    run(suite, tests, "-n", "2").assert_outcomes(passed=8)


def test_a_server_is_named_by_the_ini_file_or_the_environment_and_keeps_what_failed(
    suite: pytest.Pytester, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = """
def test_fails(soundstage):
    create()
    assert False
"""
    run(suite, tests, ini=f"soundstage_url = {server.url}").assert_outcomes(failed=1)
    monkeypatch.setenv("SOUNDSTAGE_URL", server.url)
    run(suite, tests).assert_outcomes(failed=1)
    (left,) = server.line.call("GET", "/universes")["universes"]
    assert left["tasks"] == 1


def test_a_suite_that_does_not_ask_for_it_loads_nothing(suite: pytest.Pytester) -> None:
    tests = """
def test_nothing():
    import sys
    assert "soundstage.pytest_plugin" in sys.modules
    assert not [name for name in sys.modules if name.startswith("soundstage.") and name != "soundstage.pytest_plugin"]
"""
    run(suite, tests).assert_outcomes(passed=1)
    suite.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider").stdout.fnmatch_lines(["soundstage -- *"])
    suite.runpytest_subprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.soundstage(clock=, *"])
