"""Data mutants: one documented line of a provider's prices or lifecycle is another in the simulator's loaded copy."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soundstage.resources import read_yaml, schema_root

ROOT = Path(__file__).resolve().parents[2]
Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class DataMutant:
    """The value at `steps` of a provider's document is changed: a number by one, a word by a letter."""

    provider: str
    document: str
    steps: Steps

    @property
    def name(self) -> str:
        """How the kill table calls it: `catalogue: models.runway.price.rows.2.points`."""
        return f"{self.document}: {'.'.join(map(str, self.steps))}"

    def changed(self) -> str:
        """Return the changed document; JSON is YAML 1.2."""
        data = copy.deepcopy(read_yaml(schema_root() / self.provider / f"{self.document}.yaml"))
        node = data
        for step in self.steps[:-1]:
            node = node[step]
        old = node[self.steps[-1]]
        node[self.steps[-1]] = old + 1 if isinstance(old, int) else _other(old)
        return json.dumps(data)


def data_mutants(provider: str) -> Iterator[DataMutant]:
    """Yield a mutant for every documented price and every documented word, figure and event of the lifecycle."""
    catalogue = read_yaml(schema_root() / provider / "catalogue.yaml")
    for steps in _prices(catalogue, ()):
        yield DataMutant(provider, "catalogue", steps)
    for steps in _words(read_yaml(schema_root() / provider / "lifecycle.yaml")):
        yield DataMutant(provider, "lifecycle", steps)


def _prices(node: Any, here: Steps) -> Iterator[Steps]:
    if isinstance(node, dict):
        if node.get("source") and not node.get("assumed"):
            yield from (((*here, name)) for name in ("points", "credits") if isinstance(node.get(name), int))
            if node.get("kind") == "formula":
                yield from ((*here, "base", name) for name in node["base"])
                yield from ((*here, name) for name in ("from_seconds", "per_second"))
        for name, inner in node.items():
            yield from _prices(inner, (*here, name))
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from _prices(inner, (*here, number))


def _words(life: dict[str, Any]) -> Iterator[Steps]:
    for state, row in life["from_core"].items():
        if row["source"] and not row.get("assumed"):
            yield "from_core", state, "state"
    for dialect in life.get("dialects", ()):
        yield "dialects", dialect, "create_status"
    for word, event in life.get("callback_events", {}).items():
        if isinstance(event, str):
            yield "callback_events", word
    figures = life.get("progress") or {}
    yield from (("progress", name) for name, figure in figures.items() if isinstance(figure, str) and "%" in figure)


def _other(text: str) -> str:
    return re.sub(r"\d+", lambda found: str(int(found[0]) + 1), text) if "%" in text else f"{text}x"


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """Copy the simulator and its documents into `folder`, where it can be run from, and yield the documents' folder."""
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "simulator" / "soundstage", folder / "soundstage", ignore=leave)
    shutil.copytree(schema_root(), folder / "soundstage_schemas")
    yield folder / "soundstage_schemas"


@contextmanager
def running(folder: Path, mutant: DataMutant) -> Iterator[str]:
    """Run the copied simulator with the mutant's document and yield its URL."""
    path = folder / "soundstage_schemas" / mutant.provider / f"{mutant.document}.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.changed(), encoding="utf-8")
    command = [sys.executable, "-m", "soundstage", "serve", "--port", "0", "--clock", "manual"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("READY "), f"{mutant.name}: the simulator does not start"
            yield line.split()[1]
        finally:
            process.terminate()
            path.write_text(before, encoding="utf-8")
