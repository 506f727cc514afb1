"""What is built holds the code, the data and the samples, and finds its data where it was installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _build(target: str, folder: Path) -> Path:
    # hatchling is in the lock, so nothing is fetched.
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Two levels down beside a stray `schemas` folder: what a checkout looks like must not be taken for one.
    outer = tmp_path_factory.mktemp("installed")
    (outer / "schemas").mkdir()
    site = outer / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def _run(code: str, site: Path) -> str:
    others = [path for path in sys.path if path.endswith("site-packages")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *others])}
    # -S: the editable install of this checkout is found through site and must stay out of the way.
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, cwd=site)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _command(*words: str) -> str:
    """Return the code that runs the command `soundstage` with these words."""
    return f"import sys; from soundstage.cli import main; sys.argv = {['soundstage', *words]!r}; main()"


def test_the_wheel_holds_both_packages_the_data_and_the_samples(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {path.relative_to(ROOT / "schemas").as_posix() for path in (ROOT / "schemas").rglob("*") if path.is_file()}
    assert {f"soundstage_schemas/{name}" for name in data} <= names
    assert {
        "soundstage/__init__.py",
        "soundstage/py.typed",
        "soundstage/media/samples/sample.mp4",
        "soundstage/media/samples/sample.png",
        "soundstage/media/samples/sample.wav",
        "soundstage/providers/midsync/provider.py",
        "soundstage_contracts/__init__.py",
        "soundstage_contracts/report/page.html.j2",
        "soundstage_contracts/report/page.css",
        "soundstage_contracts/report/page.js",
        "soundstage_contracts/report/report.schema.json",
        "soundstage_schemas/midsync/openapi.yaml",
        "soundstage_schemas/midsync/catalogue.yaml",
    } <= names
    asked = {
        f"soundstage_schemas/{path.parent.name}/requirements.yaml" for path in (ROOT / "schemas").glob("*/SOURCE.md")
    }
    assert asked <= names


def test_everything_the_suite_reads_beside_its_code_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    suite = ROOT / "contracts" / "soundstage_contracts"
    hidden = {"__pycache__", ".hypothesis"}
    files = {path.relative_to(ROOT / "contracts") for path in suite.rglob("*") if path.is_file()}
    assert {path.as_posix() for path in files if not hidden & set(path.parts)} <= names
    assert not [name for name in names if hidden & set(name.split("/"))]


def test_every_module_of_the_checkout_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for root in ("simulator", "contracts"):
        modules = {path.relative_to(ROOT / root).as_posix() for path in (ROOT / root).rglob("*.py")}
        assert modules <= names


def test_the_wheel_brings_no_other_top_level_name_and_no_tests(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    ours = {"soundstage", "soundstage_contracts", "soundstage_schemas"}
    assert {top for top in tops if not top.endswith(".dist-info")} == ours
    files = [name.split("/")[-1] for name in zipfile.ZipFile(wheel).namelist()]
    assert not [name for name in files if name.startswith(("test_", "conftest"))]


def test_the_data_is_found_inside_the_installation(installed: Path) -> None:
    root = _run("from soundstage.resources import schema_root; print(schema_root())", installed)
    assert Path(root).resolve() == (installed / "soundstage_schemas").resolve()


def test_the_installed_providers_read_their_prices(installed: Path) -> None:
    code = "from soundstage.providers.midsync.catalogue import catalogue; print(sorted(catalogue().models))"
    assert "seedance-1.5-pro" in _run(code, installed)


def test_the_installed_suite_lists_its_promises_without_the_checkout(installed: Path) -> None:
    said = _run(_command("verify", "v2gateway", "--list"), installed)
    assert "\nV2-AUTH-001 " in said, said[:200]
    where = "from soundstage_contracts.documents import schema_root; print(schema_root())"
    assert Path(_run(where, installed)).resolve() == (installed / "soundstage_schemas").resolve()


def test_the_installed_suite_makes_its_reports(installed: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert "kept" in _run(_command("verify", "v2gateway", "--layers", "L0", "--report-html", str(page)), installed)
    assert page.read_text("utf-8").startswith("<!")


def test_the_wheel_names_its_command_and_its_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    written = archive.read(points).decode()
    assert "soundstage = soundstage.cli:main" in written
    assert "[pytest11]\nsoundstage = soundstage.pytest_plugin" in written
    assert "[soundstage.commands]\nverify = soundstage_contracts.cli:verify" in written
    assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]


def test_the_source_archive_holds_what_builds_and_tests_it(tmp_path: Path) -> None:
    with tarfile.open(_build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "Makefile", "requirements.lock", "README.md", "LICENSE"}
    assert wanted | {"schemas/midsync/openapi.yaml", "simulator/soundstage/cli.py"} <= names
    assert "tests/packaging/test_wheel.py" in names
