"""A provider that was just begun works, breaks nothing else, and is told to be incomplete until it is filled in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from soundstage.providers import Providers
from support import provider_rules, suite_rules

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("simulator", "contracts", "schemas", "fixtures", "tests")
DRIVERS = "contracts/soundstage_contracts/drivers"
OF_IT = ("simulator/soundstage/providers/acme", "schemas/acme", "fixtures/acme", f"{DRIVERS}/acme.py")
_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in PARTS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_CACHES)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, with the copy's own packages."""
    roots = os.pathsep.join(str(copy / name) for name in ("simulator", "contracts"))
    env = {**os.environ, "PYTHONPATH": roots, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *command], cwd=copy, env=env, capture_output=True, text=True, check=False, timeout=240
    )


def begin(copy: Path, name: str = "acme") -> subprocess.CompletedProcess[str]:
    """Begin a provider in the copy."""
    return run(copy, "tests/packaging/new_provider.py", name)


def outcome_of(copy: Path, *which: str) -> tuple[str, list[str]]:
    """Run tests in the copy; return what was said and which of them failed."""
    done = run(copy, "-m", "pytest", "-p", "no:cacheprovider", *which)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout, re.findall(r"^FAILED \S+?::(\S+)", done.stdout, re.MULTILINE)


def made(copy: Path) -> list[Path]:
    """Return the files of the provider that was begun in the copy."""
    found = [
        path for name in OF_IT for path in ((copy / name).rglob("*.*") if (copy / name).is_dir() else [copy / name])
    ]
    return sorted(path for path in found if path.suffix != ".pyc")


def promised(copy: Path, name: str) -> dict[str, str]:
    """Return a provider's promises in the copy, each by its id, with what it rests on; whole layers are left out."""
    said = run(copy, "-m", "soundstage", "verify", name, "--list")
    assert said.returncode == 0, said.stderr
    told = dict(re.findall(r"^(\S+) .* \[(.*)\]$", said.stdout, re.MULTILINE))
    return {name: rests for name, rests in told.items() if rests != "every layer" and not rests.startswith("layer ")}


def marks(copy: Path) -> list[str]:
    """Return where a mark to fill in stands, as file and line."""
    return [
        f"{path.relative_to(copy).as_posix()}:{number}"
        for path in made(copy)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "TODO" in line
    ]


def test_a_new_provider_is_incomplete_in_every_place_and_everything_else_passes(copy: Path) -> None:
    begun = begin(copy)
    assert begun.returncode == 0, begun.stderr
    assert len(re.findall(r"^wrote ", begun.stdout, re.MULTILINE)) == 9
    said, failed = outcome_of(copy, "tests/packaging/test_providers.py", "tests/golden", "tests/wire/test_server.py")
    assert failed == ["test_a_provider_is_complete[acme]"], said
    assert "test_a_documented_exchange_is_answered_as_documented[acme" not in said
    places = marks(copy)
    assert len(places) > 10
    assert all(any(place.startswith(folder) for place in places) for folder in OF_IT)
    missing = re.findall(r"(\S+:\d+) still has to be filled in: TODO", said)
    assert set(missing) == set(places), "nothing but the marks is missing"
    assert not re.findall(r"still has to be filled in(?!: TODO)", said)


def test_what_is_made_keeps_the_project_s_rules(copy: Path) -> None:
    begin(copy)
    code = (OF_IT[0], OF_IT[3])
    for command in (
        ("ruff", "check", "--no-cache", *code),
        ("ruff", "format", "--check", "--no-cache", *code),
        ("mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), *code),
    ):
        done = run(copy, "-m", *command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_provider_that_is_filled_in_is_complete(copy: Path) -> None:
    begin(copy)
    for path in made(copy):
        path.write_text(path.read_text("utf-8").replace("TODO", "Done"), "utf-8")
    said, failed = outcome_of(copy, "tests/packaging/test_providers.py", "-k", "acme")
    assert failed == [], said
    assert said.startswith(".")


def test_a_provider_made_in_the_copy_is_served(copy: Path) -> None:
    """Create and poll work before anything is filled in."""
    begin(copy)
    said, failed = outcome_of(copy, "tests/golden", "-k", "acme")
    assert failed == [], said


def test_the_suite_verifies_a_provider_that_was_just_begun(copy: Path) -> None:
    """What all providers promise is tried on it as well, and the scaffold keeps all of it."""
    begin(copy)
    done = run(copy, "-m", "soundstage", "verify", "acme", "--layers", "L0,L2", "--report-json", "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (ran,) = json.loads((copy / "report.json").read_text("utf-8"))["providers"]
    by = {name: {one["id"] for one in ran["results"] if one["verdict"] == name} for name in ("PASS", "NOT_APPLICABLE")}
    kept = {"ACME-DOC-909", "ACME-LIFE-001[video]", "ACME-MONEY-021[video]", "ACME-ERR-001[no_model]", "ACME-SHAPE-003"}
    assert kept <= by["PASS"]
    # Without callbacks, quotes, progress and times there is nothing to try, and that is said.
    assert {"ACME-CALL-001", "ACME-CALL-006", "ACME-MONEY-001", "ACME-LIFE-006"} <= by["NOT_APPLICABLE"]
    assert len(by["PASS"]) > 100
    assert len(by["PASS"]) + len(by["NOT_APPLICABLE"]) == len(ran["results"])


def test_what_all_others_promise_is_assumed_of_a_new_provider_until_it_has_a_source(copy: Path) -> None:
    before = promised(copy, "v2gateway")
    begin(copy)
    begin(copy, "bolt")
    assumed = "assumed: everything: no source is given yet"
    of_acme = promised(copy, "acme")
    assert len(of_acme) > 50
    assert set(of_acme.values()) == {assumed}
    assert len(promised(copy, "bolt")) == len(of_acme), "another provider that was just begun changes nothing"
    assert promised(copy, "v2gateway") == before
    keyed = '    "revidapi": "R-REV-002",\n'
    _with("contracts/soundstage_contracts/checks/auth.py", keyed, f'{keyed}    "acme": "R-ACME-001",\n')(copy)
    told = promised(copy, "acme")
    assert told["ACME-AUTH-001"] == "R-ACME-001"
    assert told["ACME-LIFE-001"] == assumed, "one source takes away none of the others"
    assert told.keys() == of_acme.keys()


_REFUSED = ("", "A", "Acme", "9acme", "ac-me", "../acme", "class", "cdn", "x" * 31, "midsync", "base", "mid")


@pytest.mark.parametrize("name", _REFUSED)
def test_a_name_that_cannot_be_used_is_refused_and_nothing_is_written(copy: Path, name: str) -> None:
    before = sorted(copy.rglob("*"))
    done = begin(copy, name)
    assert done.returncode == 1, done.stdout
    assert "NAME" in done.stderr
    assert sorted(path for path in copy.rglob("*") if "__pycache__" not in path.parts) == before


def _without(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def _with(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / path).read_text("utf-8")
        assert old in text, f"{path} has no {old!r}"
        (root / path).write_text(text.replace(old, new), "utf-8")

    return change


def _no_fixtures(root: Path) -> None:
    shutil.rmtree(root / "fixtures/v2gateway")


SCHEMAS, CODE = "schemas/v2gateway", "simulator/soundstage/providers/v2gateway"
DRIVER, ORACLE = f"{DRIVERS}/v2gateway.py", "contracts/soundstage_contracts/oracles/v2gateway.py"
BREAKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no openapi": (_without(f"{SCHEMAS}/openapi.yaml"), "openapi.yaml is missing: describe every operation"),
    "no catalogue": (_without(f"{SCHEMAS}/catalogue.yaml"), "catalogue.yaml is missing: list models"),
    "no lifecycle": (_without(f"{SCHEMAS}/lifecycle.yaml"), "lifecycle.yaml is missing: say which word"),
    "no source": (_without(f"{SCHEMAS}/SOURCE.md"), "SOURCE.md is missing: say where each fact comes from"),
    "no fixtures": (_no_fixtures, "fixtures/v2gateway/ has no documented exchange: add one"),
    "invalid": (_with(f"{SCHEMAS}/openapi.yaml", "  title: The", "  titel: The"), "is not valid OpenAPI 3.1: "),
    "other provider": (
        _with(f"{SCHEMAS}/catalogue.yaml", "provider: v2gateway", "provider: acme"),
        "catalogue.yaml is about the provider acme: say v2gateway there",
    ),
    "other id": (
        _with(f"{SCHEMAS}/openapi.yaml", "operationId: getTask", "operationId: pollTask"),
        "calls GET /v2/{scope}/generations/{task_id} pollTask, provider.py calls it getTask",
    ),
    "other path": (
        _with(f"{SCHEMAS}/openapi.yaml", "  /v2/{scope}/generations:", "  /v3/{scope}/generations:"),
        "lacks POST /v2/{scope}/generations, which provider.py declares as submitTask",
    ),
    "one too many": (
        _with(f"{SCHEMAS}/openapi.yaml", "  /v2/{scope}/generations:", "  /v3/{scope}/generations:"),
        "describes POST /v3/{scope}/generations, which provider.py does not declare",
    ),
    "other word": (
        _with(f"{SCHEMAS}/lifecycle.yaml", "waiting: {state: NOT_START", "waiting: {state: QUEUED"),
        "calls the core's state waiting QUEUED, provider.py calls it NOT_START: use one word",
    ),
    "unexplained word": (
        _with(f"{SCHEMAS}/lifecycle.yaml", "waiting: {state: NOT_START", "waiting: {state: QUEUED"),
        "does not explain the word QUEUED: add it to states",
    ),
    "unlisted decision": (
        _with(f"{CODE}/wire.py", "ASSUMED: every limit,", "ASSUMED: every limit (A-V2-99),"),
        "does not list what simulator/soundstage/providers/v2gateway/wire.py assumes about A-V2-99",
    ),
    "unlisted name": (
        _with(f"{CODE}/wire.py", "ASSUMED: every limit,", "ASSUMED: the `colour`,"),
        "does not list what simulator/soundstage/providers/v2gateway/wire.py assumes about `colour`",
    ),
    "unlisted assumptions": (_with(f"{SCHEMAS}/SOURCE.md", "- ASSUMED:", "-"), "lists 0 assumptions, the code has"),
    "half a fixture": (_with("fixtures/v2gateway/submit-veo.json", '"compare"', '"compares"'), "lacks compare"),
    "broken fixture": (_with("fixtures/v2gateway/submit-veo.json", "{", "{{"), "submit-veo.json is not JSON"),
    "no driver": (_without(DRIVER), f"{DRIVER} is missing: say there how the provider's tasks"),
    "no DRIVER": (_with(DRIVER, "\nDRIVER = ", "\nTHE = "), f"{DRIVER} has no DRIVER: end it with one object"),
    "no prefix": (_with(DRIVER, 'prefix = "V2"', 'prefix = "v2-"'), "has no prefix of capital letters and digits"),
    "prefix of another": (_with(DRIVER, 'prefix = "V2"', 'prefix = "KEY"'), "prefix KEY, which is that of apikeyorg"),
    "no oracle": (_without(ORACLE), "oracles/v2gateway.py is missing: contracts/soundstage_contracts/drivers/v2gate"),
    "prices without an oracle": (
        _with(DRIVER, "import v2gateway as oracle", "import lifecycle as oracle\n\n\ndef price() -> None: ..."),
        "says prices without an oracle: write oracles/v2gateway.py",
    ),
    "mark in the driver": (
        _with(DRIVER, "NOBODY = ", "# TODO: ask\nNOBODY = "),
        "still has to be filled in: TODO: ask",
    ),
    "no requirements": (_without(f"{SCHEMAS}/requirements.yaml"), "requirements.yaml is missing: list what the doc"),
    "requirement of another": (
        _with(f"{SCHEMAS}/requirements.yaml", "R-V2-010:", "R-MID-010:"),
        "requirements.yaml has the id R-MID-010: here they are R-V2- and three digits",
    ),
    "requirement with other words": (
        _with(f"{SCHEMAS}/requirements.yaml", "untestable:", "untestabel:"),
        "says of R-V2-006 other things than `says` and `untestable`",
    ),
    "mark": (
        _with(f"{CODE}/wire.py", "_BASE64 =", "# TODO: more\n_BASE64 ="),
        "wire.py:16 still has to be filled in: TODO: more",
    ),
}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    for name in (SCHEMAS, CODE, "fixtures/v2gateway", DRIVERS, str(Path(ORACLE).parent)):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_CACHES)
    return tmp_path


def _faults(root: Path) -> list[str]:
    return [*provider_rules.faults(root, Providers()["v2gateway"]), *suite_rules.faults(root, "v2gateway")]


def test_the_untouched_provider_breaks_no_rule(one: Path) -> None:
    assert _faults(one) == []
    assert json.loads((one / "fixtures/v2gateway/submit-veo.json").read_text("utf-8"))["compare"]


@pytest.mark.parametrize(("change", "sentence"), BREAKS.values(), ids=BREAKS.keys())
def test_what_is_missing_is_said(one: Path, change: Callable[[Path], None], sentence: str) -> None:
    change(one)
    found = _faults(one)
    assert any(sentence in said for said in found), found
    assert all(said.rstrip(".") for said in found)
