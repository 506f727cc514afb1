"""Begin a new provider: its folder, its contract data, its driver and an exchange, with marks where to go on.

Run: `python tests/packaging/new_provider.py NAME [--root FOLDER]`. What is made works at once, one create and one poll,
and `soundstage verify NAME` tries on it what all providers promise; the test of the providers fails until every mark
TODO is gone.
Exit code: 0 when the files were written, 1 when the name cannot be used.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve()
TEMPLATES = HERE.parent / "new_provider_files"
# First words of paths that the server answers itself.
_TAKEN = {"cdn", "upload", "health", "ready", "metrics"}
_NAME = re.compile(r"[a-z][a-z0-9]{1,29}")
_PREFIX = re.compile(r'^    prefix = "(\w+)"$', re.MULTILINE)
_FILES: Mapping[str, str] = {
    "simulator/soundstage/providers/@name@/__init__.py": "init.py",
    "simulator/soundstage/providers/@name@/provider.py": "provider.py",
    "schemas/@name@/openapi.yaml": "openapi.yaml",
    "schemas/@name@/catalogue.yaml": "catalogue.yaml",
    "schemas/@name@/lifecycle.yaml": "lifecycle.yaml",
    "schemas/@name@/requirements.yaml": "requirements.yaml",
    "schemas/@name@/SOURCE.md": "SOURCE.md",
    "contracts/soundstage_contracts/drivers/@name@.py": "driver.py",
    "fixtures/@name@/create-task.json": "create-task.json",
}


def problem_with(name: str, root: Path) -> str | None:
    """Return why there can be no new provider of this name."""
    if _NAME.fullmatch(name) is None or keyword.iskeyword(name) or name in _TAKEN:
        return (
            f"NAME must be 2 to 30 lower-case letters and digits and no word of Python or of the server, got {name!r}"
        )
    for path in _FILES:
        target = root / path.replace("@name@", name)
        # A folder of the provider's own must be new as a whole; one that is everybody's has only room for its file.
        new = target.parent if "@name@" in str(Path(path).parent) else target
        if new.exists():
            return f"{new.relative_to(root)} is there already; choose another NAME"
    if name.upper() in _prefixes(root):
        return f"{name.upper()} begins the requirement ids of another provider already; choose another NAME"
    return None


def _prefixes(root: Path) -> set[str]:
    drivers = (root / "contracts/soundstage_contracts/drivers").glob("*.py")
    return {found for path in drivers for found in _PREFIX.findall(path.read_text("utf-8"))}


def make(name: str, root: Path) -> list[Path]:
    """Write a provider's first files and return them."""
    title, upper = name.capitalize(), name.upper()
    words = {"@name@": name, "@title@": title, "@class@": title, "@variable@": upper, "@prefix@": upper}
    made = []
    for path, template in _FILES.items():
        target, text = root / path.replace("@name@", name), (TEMPLATES / f"{template}.txt").read_text("utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        made.append(target)
    return made


def main() -> int:
    """Write the files and say what comes next."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", help="the provider's id, which is also the first part of its paths")
    parser.add_argument("--root", type=Path, default=HERE.parents[2], help="the checkout to write into")
    given = parser.parse_args()
    root: Path = given.root.resolve()
    problem = problem_with(given.name, root)
    if problem is not None:
        print(problem, file=sys.stderr)
        return 1
    for path in make(given.name, root):
        print(f"wrote {path.relative_to(root)}")
    print(f'next: make readme; make test ARGS="-k {given.name}" tells what is left to fill in')
    print(f"then: soundstage verify {given.name} --layers L0,L2 says which promises it keeps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
