"""Check the types of the tests with `mypy --strict`.

Two runs, since tests import each other in two ways: from the tests folder (`support.client`), and, in the folders whose
files are run as scripts, from beside themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
SCRIPTS = (TESTS / "performance", TESTS / "clients", TESTS / "apps")


def passes(files: Sequence[Path], path: Sequence[Path]) -> bool:
    """Run mypy on `files` with these folders to import from."""
    roots = os.pathsep.join(str(root) for root in (ROOT / "simulator", ROOT / "contracts", *path))
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, files)]
    return subprocess.run(command, env={**os.environ, "MYPYPATH": roots}, cwd=ROOT, check=False).returncode == 0


def main() -> int:
    """Return 0 when both runs pass."""
    every = sorted(TESTS.rglob("*.py"))
    rest = [path for path in every if not any(folder in path.parents for folder in SCRIPTS)]
    results = [passes(rest, [TESTS])]
    results += [passes(sorted(folder.glob("*.py")), [folder]) for folder in SCRIPTS if folder.is_dir()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
