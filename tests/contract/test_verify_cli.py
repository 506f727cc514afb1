"""`soundstage verify` says in one sentence what is wrong with a target, and leaves its reports however it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import soundstage_contracts.report.document as document_module
from soundstage.cli import main
from soundstage_contracts.command.simulator import Simulator

KEY = "sk_live_a-key-nobody-should-see"
SCHEMA = json.loads((Path(document_module.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with Simulator() as running:
        yield running.url


def verify(*words: str) -> Result:
    return CliRunner().invoke(main, ["verify", *words], env={"GITHUB_STEP_SUMMARY": None})


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say which provider"),
        (["nobody"], "there is no provider 'nobody'"),
        (["midsync", "--base-url", "http://127.0.0.1:1"], "--base-url needs --api-key"),
        (["midsync", "--base-url", "localhost:4090", "--api-key", "k"], "needs a scheme"),
        (["midsync", "--adapter", "none"], "without --base-url a simulator is started"),
        (["all", "--base-url", "http://127.0.0.1:1", "--api-key", "k"], "`all` needs a Soundstage"),
        (["midsync", "--max-credits", "-1"], "no number of credits"),
        (["midsync", "--max-credits", "NaN"], "no number of credits"),
        (["midsync", "--layers", "L2,L9"], "L9 is no layer"),
        (["midsync", "--seed", "-1"], "is no whole number from 0"),
        (["midsync", "--adapter", "other"], "there is no adapter 'other'"),
        (["midsync", "--deadline", "60"], "--deadline is kept by the guard of --max-credits"),
        (["midsync", "--max-credits", "0", "--allow", "makeGold"], "midsync has no such operation; it has "),
        (["midsync", "--report-json", "no/such/folder/r.json"], "there is no folder"),
        (["--explain", "MID-NOTHING-999"], "there is no promise"),
        (["--tape", __file__], "is no tape"),
    ],
)
def test_a_mistaken_command_says_what_to_do_and_exits_with_2(words: list[str], says: str) -> None:
    result = verify(*words)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--allow", "listUsageLogs"), "not on the allow-list"), (("--max-requests", "1"), "over the cap of requests")],
)
def test_what_the_guard_may_let_pass_is_said_on_the_command_line(
    simulator: str, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    verify(
        "midsync", "--base-url", f"{simulator}/midsync", "--api-key", KEY, "--max-credits", "100", "--layers", "L2",
        "--only", "MODEL", "--report-json", str(tmp_path / "r.json"), *words,
    )  # fmt: skip
    assert f"the guard did not let it pass: {says}" in (tmp_path / "r.json").read_text(encoding="utf-8")


def test_the_catalogue_lists_every_promise_of_a_provider_with_its_sources() -> None:
    result = verify("midsync", "--list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert all(re.match(r"MID-[A-Z]+-\d{3} +\S.*\[.*\]$", line) for line in lines)
    assert any(line.startswith("MID-MONEY-001 ") for line in lines)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("MID-SHAPE-001[listModels]", "Every reply is one the documents describe"),
        ("REV-FUZZ-002", "No request makes the operation fail with a 5xx"),
        ("KEY-WORLD-001", "agree with the model"),
        ("GUARD", "Nothing costs more than its documented price"),
        ("DOC-901", "The document is valid OpenAPI 3.1"),
    ],
)
def test_what_comes_of_a_whole_layer_is_in_the_catalogue_too(name: str, says: str) -> None:
    assert says in verify("--explain", name).output
    assert any(says in line for line in verify("midsync", "--list").output.splitlines())


def test_one_promise_is_explained_by_the_id_of_any_of_its_results() -> None:
    assert verify("--explain", "MID-MONEY-001").output == verify("--explain", "money-001[some case]").output
    assert "R-MID-" in verify("--explain", "MID-MONEY-001").output


def test_what_is_kept_exits_with_0_and_counts_each_verdict_apart(simulator: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    result = verify(
        "midsync", "--base-url", f"{simulator}/midsync", "--adapter", "soundstage", "--only", "MONEY-001",
        "--layers", "L2", "--summary", str(summary),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert re.search(
        r"MidSync: kept \(\d+ PASS, 0 FAIL, 0 NOT_REACHED, \d+ NOT_TESTED, \d+ NOT_APPLICABLE; ", result.output
    )
    assert "| PASS | FAIL | NOT_REACHED | NOT_TESTED | NOT_APPLICABLE |" in summary.read_text(encoding="utf-8")


def test_what_is_broken_exits_with_1_and_names_the_promise_with_a_command(tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    scenario.write_text(
        "name: wrong\ndescription: Quotes are wrong.\nfaults:\n  - fault: money/quote-wrong\n", encoding="utf-8"
    )
    with Simulator("--scenario", str(scenario)) as wrong:
        result = verify(
            "midsync", "--base-url", f"{wrong.url}/midsync", "--adapter", "soundstage", "--only", "MONEY",
            "--layers", "L2", "--report-junit", str(tmp_path / "r.xml"),
        )  # fmt: skip
    assert result.exit_code == 1, result.output
    assert re.search(r"FAIL +MID-MONEY-\d{3}", result.output)
    assert 'curl -sS -i -X POST "$BASE_URL"' in result.output
    assert ET.parse(tmp_path / "r.xml").findall(".//failure")


def _valid(path: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(SCHEMA).iter_errors(told)) == []
    return told


def test_no_report_of_a_run_shows_the_key_it_was_given(simulator: str, tmp_path: Path) -> None:
    words = [word for name in ("json", "junit", "html") for word in (f"--report-{name}", str(tmp_path / name))]
    result = verify(
        "midsync", "--base-url", f"{simulator}/midsync", "--api-key", KEY, "--layers", "L2", "--only", "MODEL",
        "--only", "AUTH", *words,
    )  # fmt: skip
    assert result.exit_code in {0, 1}, result.output
    assert KEY not in result.output
    for path in tmp_path.iterdir():
        assert KEY not in path.read_text(encoding="utf-8")
    told = _valid(tmp_path / "json")
    assert "$API_KEY" in json.dumps(told)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


def test_help_loads_nothing_of_the_suite_but_its_command() -> None:
    heavy = (
        "urllib3",
        "jinja2",
        "rich",
        "schemathesis",
        "hypothesis",
        "jsonschema",
        "soundstage_contracts.command.run",
    )
    done = _python(
        "import sys; from soundstage.cli import main; main(['--help'], standalone_mode=False); "
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    assert done.stdout.splitlines()[-1] == "[]", done
    assert "verify" in done.stdout


@pytest.mark.parametrize("missing", ["urllib3", "jinja2"])
def test_a_plain_install_says_what_to_install(missing: str) -> None:
    done = _python(
        f"import sys; sys.modules[{missing!r}] = None; from soundstage.cli import main; main(['verify', 'midsync'])"
    )
    assert done.returncode == 2
    assert "pip install 'soundstage[contracts]'" in done.stderr
    assert "Traceback" not in done.stderr
