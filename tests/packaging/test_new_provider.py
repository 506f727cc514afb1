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
from support.provider_rules import faults

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("simulator", "contracts", "schemas", "fixtures", "tests")
OF_IT = ("simulator/soundstage/providers/acme", "schemas/acme", "fixtures/acme")
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


def marks(copy: Path) -> list[str]:
    """Return where a mark to fill in stands, as file and line."""
    files = sorted(path for folder in OF_IT for path in (copy / folder).rglob("*.*") if path.suffix != ".pyc")
    return [
        f"{path.relative_to(copy).as_posix()}:{number}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "TODO" in line
    ]


def test_a_new_provider_is_incomplete_in_every_place_and_everything_else_passes(copy: Path) -> None:
    begun = begin(copy)
    assert begun.returncode == 0, begun.stderr
    assert len(re.findall(r"^wrote ", begun.stdout, re.MULTILINE)) == 7
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
    folder = OF_IT[0]
    for command in (
        ("ruff", "check", "--no-cache", folder),
        ("ruff", "format", "--check", "--no-cache", folder),
        ("mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), folder),
    ):
        done = run(copy, "-m", *command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_provider_that_is_filled_in_is_complete(copy: Path) -> None:
    begin(copy)
    for path in (path for folder in OF_IT for path in (copy / folder).rglob("*.*")):
        path.write_text(path.read_text("utf-8").replace("TODO", "Done"), "utf-8")
    said, failed = outcome_of(copy, "tests/packaging/test_providers.py", "-k", "acme")
    assert failed == [], said
    assert said.startswith(".")


def test_a_provider_made_in_the_copy_is_served(copy: Path) -> None:
    """Create and poll work before anything is filled in."""
    begin(copy)
    said, failed = outcome_of(copy, "tests/golden", "-k", "acme")
    assert failed == [], said


@pytest.mark.parametrize("name", ["", "A", "Acme", "9acme", "ac-me", "../acme", "class", "cdn", "x" * 31, "midsync"])
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
    "mark": (
        _with(f"{CODE}/wire.py", "_BASE64 =", "# TODO: more\n_BASE64 ="),
        "wire.py:16 still has to be filled in: TODO: more",
    ),
}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    for name in (SCHEMAS, CODE, "fixtures/v2gateway"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_CACHES)
    return tmp_path


def test_the_untouched_provider_breaks_no_rule(one: Path) -> None:
    assert faults(one, Providers()["v2gateway"]) == []
    assert json.loads((one / "fixtures/v2gateway/submit-veo.json").read_text("utf-8"))["compare"]


@pytest.mark.parametrize(("change", "sentence"), BREAKS.values(), ids=BREAKS.keys())
def test_what_is_missing_is_said(one: Path, change: Callable[[Path], None], sentence: str) -> None:
    change(one)
    found = faults(one, Providers()["v2gateway"])
    assert any(sentence in said for said in found), found
    assert all(said.rstrip(".") for said in found)
