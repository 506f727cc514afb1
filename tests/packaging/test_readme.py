"""README.md's generated tables say what the code says, and its files exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "packaging" / "readme_tables.py"


def test_the_generated_tables_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_table_the_script_knows_is_in_the_readme() -> None:
    known = re.findall(r'^    "([a-z0-9-]+)": \w+,$', SCRIPT.read_text("utf-8"), re.MULTILINE)
    shown = re.findall(r"<!-- table: ([a-z0-9-]+) -->", (ROOT / "README.md").read_text("utf-8"))
    assert known
    assert sorted(shown) == sorted(known)


def test_every_file_the_documents_link_to_exists() -> None:
    for document in ("README.md", "CHANGELOG.md", "DECISIONS.md", "SECURITY.md"):
        text = (ROOT / document).read_text("utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (ROOT / target).exists(), f"{document} links to {target}"


def test_every_make_target_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8")))
    assert named
    assert named <= targets


def test_the_lock_names_hashes_and_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = re.findall(r"^[A-Za-z0-9][\w.\-]*==\S+", lock, re.MULTILINE)
    assert len(pins) > 40
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
