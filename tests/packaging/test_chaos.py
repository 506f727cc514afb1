"""`soundstage chaos` itself: what it gives to the command, how it judges, how it ends, what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from soundstage.chaos.plan import plan
from soundstage.providers import Providers

SECONDS = 60

# A client in a few lines: it creates one task, and does with it what its arguments say.
CLIENT = textwrap.dedent(
    """
    import json, os, sys, urllib.request

    def call(path, body=None):
        headers = {"Authorization": "Bearer " + os.environ["MIDSYNC_API_KEY"], "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(os.environ["MIDSYNC_BASE_URL"] + path, data, headers)
        return json.load(urllib.request.urlopen(request, timeout=5))

    made = call("/v1/videos/generations", {"model": "grok-video", "prompt": "a fox in the snow"})
    outcome = dict(one.split("=") for one in sys.argv[1:])
    if "believe" in outcome:
        with open(os.environ["SOUNDSTAGE_BELIEFS"], "w") as file:
            json.dump([{"task_id": made["taskId"], "outcome": outcome["believe"]}], file)
    if "write" in outcome:
        with open(os.environ["SOUNDSTAGE_BELIEFS"], "w") as file:
            file.write(outcome["write"])
    """
)


class Run:
    """One run of the command line that has ended."""

    def __init__(self, done: subprocess.CompletedProcess[str], out: Path) -> None:
        self.code, self.text = done.returncode, done.stdout + done.stderr
        self.report: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {}

    @property
    def caught(self) -> dict[str, list[str]]:
        return {row["name"]: row["caught_by"] for row in self.report["matrix"] if row["outcome"] == "caught"}

    @property
    def outcomes(self) -> dict[str, str]:
        return {row["name"]: row["outcome"] for row in self.report["matrix"]}


def line(out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "soundstage", "chaos", "--provider", "midsync", "--json", str(out), *words]


def chaos(folder: Path, *words: str) -> Run:
    out = folder / "chaos.json"
    done = subprocess.run(line(out, *words), capture_output=True, text=True, timeout=SECONDS, check=False)
    return Run(done, out)


def python(code: str, *words: str) -> list[str]:
    return ["--", sys.executable, "-c", code, *words]


def test_a_command_that_fails_without_any_fault_ends_it_with_2(tmp_path: Path) -> None:
    run = chaos(tmp_path, "--faults", "task/fail", *python("print('no such table'); raise SystemExit(3)"))
    assert run.code == 2
    assert "Without any fault the command ended with exit code 3; no fault was tried." in run.text
    assert "| no such table" in run.text
    assert run.outcomes["task/fail"] == "not run"


def test_a_command_that_never_calls_the_provider_is_told_how_to_find_it(tmp_path: Path) -> None:
    run = chaos(tmp_path, "--faults", "task/fail", *python(""))
    assert run.code == 2
    assert "made no call to MidSync" in run.text
    assert "MIDSYNC_BASE_URL" in run.text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--faults", "task/fial", "--", "true"], "no fault matches 'task/fial'; there are callback/"),
        (["--scenario", "sunny", "--", "true"], "there is no scenario 'sunny'"),
        (["--ignore", "everything", "--", "true"], "--ignore may name bad-signature-accepted"),
        (["--env", "MY_URL", "--", "true"], "write it like MY_URL={midsync}/v1"),
        (["--env", "MY_URL={nowhere}", "--faults", "task/fail", "--", "true"], "{nowhere}"),
        (["--faults", "task/fail", "--", "no-such-command-here"], "the command cannot be run"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is(tmp_path: Path, words: list[str], says: str) -> None:
    run = chaos(tmp_path, *words)
    assert run.code == 2
    assert says in run.text
    assert "Traceback" not in run.text


def test_a_fault_that_nothing_meets_is_neither_survived_nor_caught(tmp_path: Path) -> None:
    words = ("--faults", "http/status", "--faults", "callback/never", "--faults", "files/missing", "--ignore")
    run = chaos(tmp_path, *words, "result-never-collected", *python(CLIENT))
    assert run.outcomes == {
        "(no fault)": "survived",
        "callback/never": "not met",
        "files/missing": "not met",
        "http/status@create": "caught",
        "http/status@poll": "not met",
    }
    assert run.report["runs"]["http/status@poll"]["notes"] == ["the command makes no poll call"]
    assert run.report["runs"]["callback/never"]["notes"] == ["the command asks for no callback"]


def test_every_failure_comes_with_words_output_and_a_line_that_replays_it(tmp_path: Path) -> None:
    words = ("--faults", "task/*", "--seed", "11", "--env", "MY_KEY={key}", "--jobs", "4", "--ignore")
    run = chaos(tmp_path, *words, "result-never-collected", *python(CLIENT, "believe=succeeded"))
    assert run.code == 1
    assert "(no fault)" not in run.caught
    assert run.caught["task/fail"] == ["wrong-outcome"]
    assert "The app counts task gen_" in run.text
    replay = run.report["replay"]["task/fail"]
    assert f"  replay: {replay}" in run.text
    assert "--seed 11" in replay
    assert "--env 'MY_KEY={key}'" in replay
    assert "--faults task/fail --" in replay
    assert "Not applicable: task/progress-back, MidSync shows no progress." in run.text
    assert run.report["runs"]["task/fail"]["timeline"]


def test_whoever_says_pending_or_unknown_rightly_is_not_caught(tmp_path: Path) -> None:
    for belief in ("pending", "unknown"):
        run = chaos(tmp_path, "--faults", "task/slow", "--speed", "1", *python(CLIENT, f"believe={belief}"))
        assert (run.code, run.caught) == (0, {}), belief
        (note,) = run.report["runs"]["task/slow,factor=100"]["notes"]
        assert note.startswith("left to a person: task gen_")
        assert note.endswith("is succeeded and costs 9 credits")


def test_what_is_wrong_without_any_fault_is_said_once_and_no_fault_is_tried(tmp_path: Path) -> None:
    run = chaos(tmp_path, "--faults", "task/*", *python(CLIENT, "believe=succeeded"))
    assert run.code == 2
    assert "Without any fault already: Task gen_" in run.text
    assert "(--ignore result-never-collected). No fault was tried." in run.text


def test_beliefs_that_cannot_be_read_are_a_finding(tmp_path: Path) -> None:
    for written in ("{", "7", '[{"task":1}]'):
        run = chaos(tmp_path, "--faults", "task/fail", *python(CLIENT, f"write={written}"))
        assert run.code == 2
        assert "beliefs-unreadable" in run.text, written


def test_a_scenario_is_tried_as_a_whole(tmp_path: Path) -> None:
    run = chaos(tmp_path, "--scenario", "happy", "--ignore", "result-never-collected", *python(CLIENT))
    assert run.outcomes == {"(no fault)": "survived", "happy": "not met"}
    assert run.code == 2, "nothing was tried"
    assert "came across none of these faults" in run.text
    assert run.report["replay"]["happy"].startswith("soundstage chaos --provider midsync --seed 0 --ignore")
    assert "--scenario happy --" in run.report["replay"]["happy"]


def test_tests_with_the_pytest_fixture_meet_the_faults_too(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            """
            import json, os, pytest, urllib.request

            @pytest.mark.parametrize("number", [1, 2])
            def test_it(soundstage, number):
                headers = {"Authorization": f"Bearer {soundstage.key}", "Content-Type": "application/json"}
                body = json.dumps({"model": "grok-video", "prompt": f"a fox, take {number}"}).encode()
                url = os.environ["MIDSYNC_BASE_URL"] + "/v1/videos/generations"
                urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5).read()
                soundstage.clock.idle()
                assert [task["state"] for task in soundstage.tasks.list()] == ["succeeded"]
            """
        )
    )
    words = (
        "--faults",
        "task/fail",
        "--faults",
        "task/never-ends",
        "--jobs",
        "3",
        "--ignore",
        "result-never-collected",
    )
    tests = ["--", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    run = chaos(tmp_path, *words, *tests, str(tmp_path / "test_it.py"))
    assert run.outcomes["(no fault)"] == "survived", run.text
    assert run.caught == {"task/fail": ["exit-code"], "task/never-ends": ["exit-code"]}
    assert "assert ['failed'] == ['succeeded']" in run.report["runs"]["task/fail"]["output"]


def test_what_a_command_prints_fits_into_junit_whatever_it_is(tmp_path: Path) -> None:
    junit = tmp_path / "chaos.xml"
    noise = "import sys; sys.stdout.buffer.write(bytes(range(256)) + b'<&]]>'); import os\n" + CLIENT
    crash = noise + "\nif os.environ['SOUNDSTAGE_FAULT']: raise SystemExit(9)"
    words = ("--faults", "task/fail", "--faults", "task/progress-back", "--ignore", "result-never-collected")
    run = chaos(tmp_path, *words, "--junit", str(junit), *python(crash))
    assert run.code == 1
    suite = ET.parse(junit).getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "caught by exit-code"
    assert "soundstage chaos --provider midsync" in (failure.text or "")


def test_a_pattern_names_a_fault_or_one_of_its_trials() -> None:
    providers = Providers()

    def names(*patterns: str) -> list[str]:
        return [trial.name for trial in plan(providers["midsync"], providers, patterns).trials]

    assert names("http/status") == ["http/status@create", "http/status@poll"]
    assert names("http/status@poll") == ["http/status@poll"]
    assert names("transport/commit-then-lose,how=hang@create") == ["transport/commit-then-lose,how=hang@create"]
    assert {name.partition("/")[0] for name in names("callback/*", "files/*")} == {"callback", "files"}
