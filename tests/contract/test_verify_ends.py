"""However a run ends, it says so in one sentence, exits with its own code and leaves whole reports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import soundstage_contracts.report.document as document_module
from soundstage.cli import main
from soundstage_contracts.command.options import Options
from soundstage_contracts.command.run import Run
from soundstage_contracts.command.simulator import Simulator
from soundstage_contracts.promise import Promise
from soundstage_contracts.stage import Stage
from soundstage_contracts.verdict import AdapterError, UnreachableError, Verdict

PROVIDERS = ("midsync", "revidapi", "v2gateway", "apikeyorg")
SCHEMA = json.loads((Path(document_module.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with Simulator() as running:
        yield running.url


def verify(*words: str) -> Result:
    return CliRunner().invoke(main, ["verify", *words], env={"GITHUB_STEP_SUMMARY": None})


def _valid(path: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(SCHEMA).iter_errors(told)) == []
    return told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_whole_reports_and_calls_the_rest_not_tested(
    tmp_path: Path, number: signal.Signals
) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    words = [word for name, path in files.items() for word in (f"--report-{name}", str(path))]
    command = [sys.executable, "-m", "soundstage", "verify", "all", "--layers", "L2", *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("... 100 "):
                break
        # CI systems send it more than once.
        process.send_signal(number)
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    told = json.loads(json.dumps(_valid(files["json"])))
    assert told["interrupted"] is True
    assert [one["provider"] for one in told["providers"]] == sorted(PROVIDERS)
    first = told["providers"][0]["results"]
    assert sum(one["verdict"] == "PASS" for one in first) >= 50
    assert {one["says"] for one in told["providers"][-1]["results"]} == {"interrupted"}
    assert {one["verdict"] for one in told["providers"][-1]["results"]} == {"NOT_TESTED"}
    root = ET.parse(files["junit"]).getroot()
    assert len(root.findall("testsuite")) == 4
    assert files["html"].read_text(encoding="utf-8").endswith("</html>")


def _requests(provider: str) -> list[str]:
    with Simulator() as running:
        options = Options(
            provider, f"{running.url}/{provider}", adapter="soundstage", layers=("L2",), only=("MONEY", "LIFE")
        )
        with Run(options) as run:
            seen = [one for result in run.results() for one in result.evidence if one.kind == "call"]
    return [re.sub(r"127\.0\.0\.1:\d+", "HOST", str(one.request)) for one in seen]


@pytest.mark.parametrize("provider", ["midsync", "apikeyorg"])
def test_the_same_seed_sends_the_same_requests(provider: str) -> None:
    # Requests that a check sends at once are seen in the order of the check.
    first, second = _requests(provider), _requests(provider)
    assert len(first) > 50
    assert first == second


@dataclass(frozen=True)
class Ending:
    """Something that is no verdict, how it is raised, and what to exit with."""

    error: Exception
    code: int
    says: str = field(default="")


ENDINGS = [
    Ending(AssertionError("forgot something"), 70, "MID-LIFE-000 is broken itself: AssertionError: forgot something"),
    Ending(AdapterError("the adapter got no answer: nobody"), 3, "the adapter got no answer: nobody"),
    Ending(UnreachableError("the line is cut"), 3, "the line is cut"),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: type(ending.error).__name__)
@pytest.mark.parametrize("asked", ["midsync", "all"])
def test_what_is_no_verdict_ends_the_run_with_a_sentence_and_whole_reports(
    simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: Ending, asked: str
) -> None:
    def check(stage: Stage) -> None:
        """Something that is broken itself."""
        raise ending.error

    def kept(stage: Stage) -> None:
        """Something that would have been tried later."""

    sources = dict.fromkeys(PROVIDERS, ("R-000",))
    broken = (Promise("LIFE-000", check, sources), Promise("LIFE-001", kept, sources))
    monkeypatch.setattr("soundstage_contracts.command.run.promises", lambda: broken)
    base = f"{simulator}/midsync" if asked == "midsync" else simulator
    result = verify(
        asked,
        "--base-url",
        base,
        "--adapter",
        "soundstage",
        "--layers",
        "L2",
        "--report-json",
        str(tmp_path / "r.json"),
    )
    assert result.exit_code == ending.code, result.output
    assert ending.says.partition("-")[2] in result.output.splitlines()[-1]
    assert "Traceback" not in result.output
    told = json.loads(json.dumps(_valid(tmp_path / "r.json")))
    assert told["interrupted"] is True
    last = told["providers"][-1]["results"]
    assert {one["verdict"] for one in last} == {Verdict.NOT_TESTED}
    assert all(ending.says.partition("-")[2] in one["says"] for one in last)
