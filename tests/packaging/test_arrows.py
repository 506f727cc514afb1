"""Every arrow of the design bites: break it in a copy and the check that guards it fails, naming it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Breach:
    """One forbidden line: the module it is added to, and the contract that must object."""

    module: str
    line: str
    contract: str


LAYERS = "the layers point one way"
CORE = "the core needs only the standard library"
EDGE_ONLY = "only the edge speaks aiohttp"
APART = "the suite and the simulator never meet"
PROVIDERS = "no provider knows another"

BREACHES = {
    "core-aiohttp": Breach("simulator/soundstage/core/money.py", "import aiohttp", CORE),
    "core-pydantic": Breach("simulator/soundstage/core/money.py", "import pydantic", CORE),
    "core-yaml": Breach("simulator/soundstage/core/money.py", "import yaml", CORE),
    "core-edge": Breach("simulator/soundstage/core/money.py", "import soundstage.edge.router", LAYERS),
    "core-store": Breach("simulator/soundstage/core/money.py", "import soundstage.store.memory", LAYERS),
    "core-provider": Breach("simulator/soundstage/core/money.py", "import soundstage.providers", LAYERS),
    "provider-edge": Breach("simulator/soundstage/providers/midsync/errors.py", "import soundstage.edge.body", LAYERS),
    "provider-faults": Breach("simulator/soundstage/providers/midsync/errors.py", "import soundstage.faults", LAYERS),
    "faults-provider": Breach("simulator/soundstage/faults/__init__.py", "import soundstage.providers.midsync", LAYERS),
    "edge-app": Breach("simulator/soundstage/edge/router.py", "import soundstage.app", LAYERS),
    "app-cli": Breach("simulator/soundstage/app.py", "import soundstage.cli", LAYERS),
    "core-settings": Breach("simulator/soundstage/core/money.py", "import soundstage.settings", LAYERS),
    "core-logs": Breach("simulator/soundstage/core/money.py", "import soundstage.logs", LAYERS),
    "core-validation": Breach("simulator/soundstage/core/money.py", "import soundstage.validation", LAYERS),
    "provider-settings": Breach("simulator/soundstage/providers/__init__.py", "import soundstage.settings", LAYERS),
    "validation-faults": Breach("simulator/soundstage/validation.py", "import soundstage.faults", LAYERS),
    "resources-providers": Breach("simulator/soundstage/resources.py", "import soundstage.providers", LAYERS),
    "scenarios-logs": Breach("simulator/soundstage/scenarios/flaws.py", "import soundstage.logs", LAYERS),
    "settings-edge": Breach("simulator/soundstage/settings.py", "import soundstage.edge.body", LAYERS),
    "edge-testing": Breach("simulator/soundstage/edge/router.py", "import soundstage.testing.line", LAYERS),
    "testing-chaos": Breach("simulator/soundstage/testing/line.py", "import soundstage.chaos.plan", LAYERS),
    "plugin-chaos": Breach("simulator/soundstage/pytest_plugin.py", "import soundstage.chaos.plan", LAYERS),
    "chaos-cli": Breach("simulator/soundstage/chaos/plan.py", "import soundstage.cli", LAYERS),
    "provider-aiohttp": Breach("simulator/soundstage/providers/midsync/errors.py", "import aiohttp", EDGE_ONLY),
    "faults-aiohttp": Breach("simulator/soundstage/faults/__init__.py", "import aiohttp", EDGE_ONLY),
    "store-aiohttp": Breach("simulator/soundstage/store/memory.py", "import aiohttp", EDGE_ONLY),
    "testing-aiohttp": Breach("simulator/soundstage/testing/line.py", "import aiohttp", EDGE_ONLY),
    "chaos-aiohttp": Breach("simulator/soundstage/chaos/plan.py", "import aiohttp", EDGE_ONLY),
    "validation-aiohttp": Breach("simulator/soundstage/validation.py", "import aiohttp", EDGE_ONLY),
    "suite-simulator": Breach("contracts/soundstage_contracts/__init__.py", "import soundstage.core.money", APART),
    "simulator-suite": Breach("simulator/soundstage/cli.py", "import soundstage_contracts", APART),
    "provider-provider": Breach(
        "simulator/soundstage/providers/another/__init__.py", "import soundstage.providers.midsync.errors", PROVIDERS
    ),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("simulator", "contracts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=_CACHES)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    another = tmp_path / "simulator/soundstage/providers/another"
    another.mkdir()
    (another / "__init__.py").write_text('"""A second provider, so that two can be told apart."""\n')
    return tmp_path


def _add(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")


def _lint_imports(copy: Path) -> subprocess.CompletedProcess[str]:
    roots = os.pathsep.join(str(copy / name) for name in ("simulator", "contracts"))
    code = "from importlinter.cli import lint_imports_command as main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": roots, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def _ruff(copy: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache", "simulator", "contracts"]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)


def test_the_untouched_copy_keeps_every_arrow(copy: Path) -> None:
    done = _lint_imports(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
    banned = _ruff(copy)
    assert banned.returncode == 0, banned.stdout


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES.keys())
def test_a_forbidden_import_is_caught_and_named(copy: Path, breach: Breach) -> None:
    _add(copy / breach.module, breach.line)
    done = _lint_imports(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert [line for line in broken if line.startswith(breach.contract)], done.stdout


@pytest.mark.parametrize("new", ["extra.py", "extra/__init__.py"])
def test_a_module_without_a_place_among_the_layers_is_named(copy: Path, new: str) -> None:
    path = copy / "simulator/soundstage" / new
    path.parent.mkdir(exist_ok=True)
    path.write_text('"""Something new."""\n')
    done = _lint_imports(copy)
    assert done.returncode == 1, done.stdout
    assert "- soundstage.extra\n" in done.stdout


def test_everything_but_the_edge_and_the_core_is_kept_from_aiohttp() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (sources,) = [one["source_modules"] for one in contracts if one["name"].startswith(EDGE_ONLY)]
    here = ROOT / "simulator/soundstage"
    modules = {path.stem for path in here.glob("*.py")} | {path.parent.name for path in here.glob("*/__init__.py")}
    # The core has a contract of its own, which forbids more.
    assert set(sources) == {f"soundstage.{name}" for name in modules - {"__init__", "core", "edge"}}


@pytest.mark.parametrize("module", ["time", "random", "uuid", "secrets"])
def test_time_and_randomness_stay_in_their_modules(copy: Path, module: str) -> None:
    _add(copy / "simulator/soundstage/core/money.py", f"import {module}")
    done = _ruff(copy)
    assert done.returncode == 1, done.stdout
    assert "TID251" in done.stdout
    assert f"`{module}` is banned" in done.stdout


@pytest.mark.parametrize("call", ["now", "utcnow"])
def test_the_machine_is_not_asked_for_the_date(copy: Path, call: str) -> None:
    _add(copy / "simulator/soundstage/core/money.py", f"import datetime\nprint(datetime.datetime.{call}())")
    done = _ruff(copy)
    assert done.returncode == 1, done.stdout
    assert f"datetime.datetime.{call}" in done.stdout
