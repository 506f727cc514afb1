"""Every fault is whole in its one file: a sentence, described parameters, a test; adding one touches no other file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from soundstage.core import faults as core
from soundstage.faults import Faults
from soundstage.faults.catalogue import entries

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "simulator" / "soundstage" / "faults"
FAULTS = Faults()
HOOKS: dict[type[core.Fault], set[str]] = {
    core.ExchangeFault: {"before", "after"},
    core.TaskFault: {"order", "view", "after"},
    core.CallbackFault: {"plan", "sign", "send"},
    core.FileFault: {"before", "after"},
}
TESTS = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "tests" / "wire").glob("test_faults_*.py")))

TEAPOT = '''"""The provider is a teapot."""

from pydantic import Field

from soundstage.core.call import Problem, Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault


class Teapot(ExchangeFault):
    """The call is refused, because the provider is a teapot; nothing is created or charged."""

    colour: str = Field(default="brown", description="the colour of the pot")

    def before(self, scene: CallScene) -> Reply | None:
        """Refuse to brew."""
        return scene.provider.reply_to(Problem("invalid_request", f"A {self.colour} teapot."))._replace(status=418)
'''


def test_there_are_faults_of_every_family() -> None:
    families = {"callback", "files", "http", "money", "stream", "task", "transport"}
    assert {name.partition("/")[0] for name in FAULTS} == families
    assert len(FAULTS) > 45


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_says_what_it_does_and_what_its_parameters_mean(name: str) -> None:
    (entry,) = [one for one in entries(FAULTS) if one["name"] == name]
    assert re.fullmatch(r"[A-Z].{20,}\.", entry["says"]), "one sentence for the catalogue"
    assert all(parameter.get("description") for parameter in entry["parameters"].values())
    assert FAULTS.checked(name, {}, "test"), "useful without a parameter"


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_has_the_hooks_of_its_place_and_no_other(name: str) -> None:
    kind = FAULTS[name]
    (base,) = [base for base in HOOKS if issubclass(kind, base)]
    own = {hook for hook in HOOKS[base] if getattr(kind, hook) is not getattr(base, hook)}
    assert own, "at least one hook"
    strange = {hook for hooks in HOOKS.values() for hook in hooks if hasattr(kind, hook)} - HOOKS[base]
    assert not strange - set(kind.model_fields)


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_is_one_small_file(name: str) -> None:
    path = FOLDER / f"{name.replace('-', '_')}.py"
    assert len(path.read_text("utf-8").splitlines()) <= 90


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_has_a_test_that_names_it(name: str) -> None:
    assert name in TESTS


def test_a_file_is_all_it_takes_to_add_a_fault(tmp_path: Path) -> None:
    parts = ("simulator", "contracts", "schemas", "tests", "README.md", "pyproject.toml")
    for part in parts:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    (tmp_path / "simulator" / "soundstage" / "faults" / "http" / "teapot.py").write_text(TEAPOT, "utf-8")

    def run(*command: str) -> str:
        roots = os.pathsep.join(str(tmp_path / name) for name in ("simulator", "contracts"))
        env = {**os.environ, "PYTHONPATH": roots, "NO_COLOR": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=env, capture_output=True, text=True, check=True, timeout=120
        )
        return done.stdout

    assert "http/teapot" in run("-m", "soundstage", "faults")
    assert "the colour of the pot" in run("-m", "soundstage", "faults", "http/teapot")
    run("tests/packaging/readme_tables.py", "--write")
    row = "| `http/teapot` | The call is refused, because the provider is a teapot; nothing is created or charged. |"
    assert row in (tmp_path / "README.md").read_text("utf-8")
