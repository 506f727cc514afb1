"""The suite as pytest items behaves as pytest's users expect, and changes nothing for those who did not ask for it."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage_contracts.command.simulator import Simulator

KEY = "sk_live_a-key-nobody-should-see"
SUITE = ("--pyargs", "soundstage_contracts")


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with Simulator() as running:
        yield running.url


def _pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def _target(simulator: str, provider: str = "midsync") -> tuple[str, ...]:
    return (
        *SUITE, "--provider", provider, "--base-url", f"{simulator}/{provider}", "--adapter", "soundstage",
        "--contract-layers", "L2",
    )  # fmt: skip


def test_each_case_of_each_promise_is_an_item_named_by_its_id(tmp_path: Path) -> None:
    done = _pytest(tmp_path, *SUITE, "--provider", "midsync", "--contract-layers", "L0,L1,L2,L3", "--collect-only")
    names = [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    known = {
        "MID-MONEY-001[create]", "MID-DOC-901", "MID-FUZZ-002[listModels]", "MID-FUZZ-009", "MID-AUTH-001[bearer]",
        "MID-WORLD-001", "MID-WORLD-002[create/ok]", "MID-SHAPE-001[listModels]",
    }  # fmt: skip
    assert known <= set(names)
    assert all(name.startswith("MID-") for name in names)
    assert len(names) == len(set(names))
    assert names[-2:] == ["MID-SHAPE-002", "MID-SHAPE-003"]


def test_promises_are_picked_by_k_and_written_as_junit(simulator: str, tmp_path: Path) -> None:
    done = _pytest(tmp_path, *_target(simulator), "-k", "MID-MONEY-0 or MID-LIFE-006", "--junitxml", "r.xml")
    assert done.returncode == 0, done.stdout
    suite = ET.parse(tmp_path / "r.xml").getroot()[0]
    names = [case.get("name", "") for case in suite.findall("testcase")]
    assert "MID-MONEY-001[create]" in names
    assert all(name.startswith(("MID-MONEY-0", "MID-LIFE-006")) for name in names)
    skips = [skip.get("message", "") for skip in suite.iter("skipped")]
    assert any(skip.startswith("NOT_APPLICABLE: MidSync promises nothing of the kind") for skip in skips)


def test_one_item_is_picked_by_its_node_id(simulator: str, tmp_path: Path) -> None:
    words = [word for word in _target(simulator) if word != "soundstage_contracts"]
    done = _pytest(tmp_path, "soundstage_contracts.plugin.items::MID-MONEY-001[create]", *words)
    assert done.stdout.splitlines()[-1].startswith("1 passed"), done.stdout


def test_two_workers_come_to_the_same_results_as_one(simulator: str, tmp_path: Path) -> None:
    picked = (*_target(simulator, "revidapi"), "-k", "MONEY or AUTH or SHAPE")
    results = []
    for number, more in enumerate(((), ("-n", "2"))):
        done = _pytest(tmp_path, *picked, *more, "--junitxml", f"{number}.xml")
        assert done.returncode == 0, done.stdout
        results.append(_cases(tmp_path / f"{number}.xml"))
    assert results[0]["REV-SHAPE-003"] == "passed"
    assert "skipped" in results[0].values()
    assert results[0] == results[1]


def _cases(path: Path) -> dict[str, str]:
    cases = ET.parse(path).getroot()[0].findall("testcase")
    return {case.get("name", ""): case[0].tag if len(case) else "passed" for case in cases}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_reply_of_another_shape_fails_as_an_item_of_its_own(tmp_path: Path, workers: tuple[str, ...]) -> None:
    scenario = tmp_path / "wrong.yaml"
    fault = "faults:\n  - fault: http/malformed-json\n    when:\n      operation: generateVideo\n"
    scenario.write_text(f"name: wrong\ndescription: Broken replies.\n{fault}", encoding="utf-8")
    with Simulator("--scenario", str(scenario)) as wrong:
        done = _pytest(tmp_path, *_target(wrong.url), "-k", "LIFE-001 or SHAPE", "--junitxml", "r.xml", *workers)
    assert done.returncode == 1, done.stdout
    assert "FAIL MID-SHAPE-001" in done.stdout
    assert "failure" in {found for name, found in _cases(tmp_path / "r.xml").items() if "SHAPE" in name}


def test_what_a_guard_saw_is_an_item_and_many_workers_may_spend_nothing(simulator: str, tmp_path: Path) -> None:
    words = (*SUITE, "--provider", "midsync", "--base-url", f"{simulator}/midsync", "--api-key", KEY, "--max-credits")
    done = _pytest(tmp_path, *words, "0", "-k", "MID-GUARD or MID-MODEL", "-rs")
    assert "nothing that costs anything was let through" in done.stdout
    done = _pytest(tmp_path, *words, "10", "-n", "2")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "each worker would spend" in done.stderr


def test_a_simulator_is_started_where_no_target_is_given(tmp_path: Path) -> None:
    done = _pytest(tmp_path, *SUITE, "--provider", "apikeyorg", "--contract-layers", "L2", "-k", "KEY-MONEY-001")
    assert done.returncode == 0, done.stdout


def test_a_broken_promise_fails_with_its_sentence_and_a_command_and_no_traceback(tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    scenario.write_text(
        "name: wrong\ndescription: Wrong quotes.\nfaults:\n  - fault: money/quote-wrong\n", encoding="utf-8"
    )
    with Simulator("--scenario", str(scenario)) as wrong:
        done = _pytest(tmp_path, *_target(wrong.url), "-k", "MID-MONEY-001")
    assert done.returncode == 1
    assert "FAIL MID-MONEY-001" in done.stdout
    assert 'curl -sS -i -X POST "$BASE_URL"' in done.stdout
    assert "Traceback" not in done.stdout


def test_what_needs_an_adapter_is_skipped_with_that_reason(simulator: str, tmp_path: Path) -> None:
    words = tuple(
        "--api-key" if word == "--adapter" else KEY if word == "soundstage" else word for word in _target(simulator)
    )
    done = _pytest(tmp_path, *words, "-k", "MID-MONEY or MID-AUTH", "-rs")
    assert done.returncode == 0, done.stdout
    assert "NOT_TESTED: " in done.stdout
    assert KEY not in done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_another_provider_ends_the_session_with_one_sentence(
    simulator: str, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    words = (
        *SUITE,
        "--provider",
        "midsync",
        "--base-url",
        f"{simulator}/revidapi",
        "--adapter",
        "soundstage",
        *workers,
    )
    done = _pytest(tmp_path, *words)
    assert done.returncode == 1
    assert "is RevidAPI, not MidSync." in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--provider", "midsync", "--contract-layers", "L4"), "L4 is no layer; they are L0, L1, L2, L3"),
        ((), "say whose contract with --provider"),
        (("--provider", "nobody"), "there is no provider 'nobody'"),
        (("--provider", "midsync", "--base-url", "http://127.0.0.1:1"), "--base-url needs --api-key"),
    ],
)
def test_a_mistaken_command_is_a_usage_error(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = _pytest(tmp_path, *SUITE, *words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert says in done.stderr


def test_other_projects_may_have_the_same_options_and_load_nothing_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n"
        "    for name in ('--base-url', '--provider', '--api-key', '--adapter', '--max-credits'):\n"
        "        parser.addoption(name, default='mine')\n",
        encoding="utf-8",
    )
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it(request):\n"
        "    assert request.config.getoption('base_url') == 'http://x'\n"
        "    loaded = {name for name in sys.modules if name.startswith('soundstage_contracts')}\n"
        "    package = 'soundstage_contracts'\n"
        "    assert loaded == {package, f'{package}.plugin', f'{package}.plugin.options'}\n",
        encoding="utf-8",
    )
    done = _pytest(tmp_path, "--base-url", "http://x")
    assert done.returncode == 0, done.stdout
