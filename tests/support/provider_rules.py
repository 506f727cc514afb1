"""What a provider's folders must hold before it counts as one: each rule returns sentences that say what to fill in.

What a mark `ASSUMED` says in other words in SOURCE.md cannot be compared, so three things are that can: the ids of
decisions (A-XYZ-01) and the names in backticks that a mark uses are in SOURCE.md too, and it has no fewer assumptions
than the code has marks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from soundstage.core.provider import Provider
from soundstage.resources import read_yaml

SCHEMA_FILES: Mapping[str, str] = {
    "openapi.yaml": "describe every operation with its request, its replies and its errors, as OpenAPI 3.1",
    "catalogue.yaml": "list models, prices and run times, and mark what is assumed",
    "lifecycle.yaml": "say which word of the provider stands for which state of the core",
    "SOURCE.md": "say where each fact comes from and list every assumption as a line that begins with - ASSUMED:",
}
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_TODO = re.compile(r"TODO.*")
_DECISION = re.compile(r"\bA-([A-Z0-9]+)-(\d+)(?:(?:\.\.| to )(?:A-[A-Z0-9]+-)?(\d+))?")
# A mark ends with its sentence, its comment or its docstring; lines of a comment run on.
_MARK = re.compile(r"ASSUMED: (.*?)(?=[.;]\s|\"\"\"|\n\s*(?!#)[^\s#]|\n\s*\n|\Z)", re.DOTALL)
_NAME = re.compile(r"`([^`\s]+)`")
_LISTED = re.compile(r"^\s*- ASSUMED: \S", re.MULTILINE)


@dataclass(frozen=True)
class Folders:
    """Where a provider's parts are in a tree, and their texts."""

    root: Path
    provider: Provider

    @property
    def id(self) -> str:
        """The provider's id, which is the name of its folders."""
        return self.provider.id

    @property
    def code(self) -> Path:
        """The folder of its Python files."""
        return self.root / "simulator" / "soundstage" / "providers" / self.id

    @property
    def schemas(self) -> Path:
        """The folder of its contract data."""
        return self.root / "schemas" / self.id

    @property
    def fixtures(self) -> Path:
        """The folder of its documented exchanges."""
        return self.root / "fixtures" / self.id

    @cached_property
    def source(self) -> str:
        """The text of SOURCE.md, empty when there is none."""
        path = self.schemas / "SOURCE.md"
        return path.read_text("utf-8") if path.is_file() else ""

    def files(self) -> list[Path]:
        """Return every text file that belongs to the provider."""
        kinds = {".py", ".yaml", ".md", ".json"}
        folders = (self.code, self.schemas, self.fixtures)
        return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in kinds)

    def data(self, name: str) -> Any:
        """Return what one of its YAML files says, None when it is missing or says nothing."""
        path = self.schemas / name
        return read_yaml(path) if path.is_file() else None

    def short(self, path: Path) -> str:
        """Return a path as people write it."""
        return path.relative_to(self.root).as_posix()


def faults(root: Path, provider: Provider) -> list[str]:
    """Return what is missing or does not fit; nothing when the provider is complete."""
    here = Folders(root, provider)
    rules = (_schema_files, _openapi, _lifecycle, _source, _fixtures, _todos)
    return [sentence for rule in rules for sentence in rule(here)]


def _schema_files(here: Folders) -> Iterator[str]:
    for name, wanted in SCHEMA_FILES.items():
        if not (here.schemas / name).is_file():
            yield f"schemas/{here.id}/{name} is missing: {wanted}."
    for name in ("catalogue.yaml", "lifecycle.yaml"):
        data = here.data(name)
        if data is not None and data.get("provider") != here.id:
            yield f"schemas/{here.id}/{name} is about the provider {data.get('provider')}: say {here.id} there."


def _openapi(here: Folders) -> Iterator[str]:
    document = here.data("openapi.yaml")
    if document is None:
        return
    where = f"schemas/{here.id}/openapi.yaml"
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield f"{where} is not valid OpenAPI 3.1: {str(error.message)[:200]}."
    described = _described(document)
    declared = {(one.method, one.path): one.id for one in here.provider.operations}
    for (method, path), name in declared.items():
        if (method, path) not in described:
            yield f"{where} lacks {method} {path}, which provider.py declares as {name}: describe it there."
        elif described[method, path] != name:
            yield (
                f"{where} calls {method} {path} {described[method, path]}, provider.py calls it {name}: "
                "give both the same operationId."
            )
    for method, path in described.keys() - declared.keys():
        yield f"{where} describes {method} {path}, which provider.py does not declare: declare an Operation for it."


def _described(document: Any) -> dict[tuple[str, str], str | None]:
    paths = document.get("paths", {}) if isinstance(document, dict) else {}
    return {
        (method.upper(), path): item[method].get("operationId")
        for path, item in paths.items()
        for method in _METHODS
        if method in item
    }


def _lifecycle(here: Folders) -> Iterator[str]:
    data = here.data("lifecycle.yaml")
    if data is None:
        return
    where = f"schemas/{here.id}/lifecycle.yaml"
    said = {core: row["state"] for core, row in data.get("from_core", {}).items()}
    for core in sorted(here.provider.states.keys() | said.keys()):
        ours = here.provider.states.get(core)
        if said.get(core) != ours:
            yield f"{where} calls the core's state {core} {said.get(core)}, provider.py calls it {ours}: use one word."
    for word in sorted(set(said.values()) - set(data.get("states", {}))):
        yield f"{where} does not explain the word {word}: add it to states."


def _source(here: Folders) -> Iterator[str]:
    if not here.source:
        return
    where, told = f"schemas/{here.id}/SOURCE.md", _decisions(here.source)
    marks = [(path, mark) for path in here.code.rglob("*.py") for mark in _MARK.findall(path.read_text("utf-8"))]
    for path, mark in marks:
        names = [f"`{name}`" for name in _NAME.findall(mark) if name not in here.source]
        for name in [*names, *sorted(_decisions(mark) - told)]:
            yield f"{where} does not list what {here.short(path)} assumes about {name}: add a line - ASSUMED: ..."
    listed = len(_LISTED.findall(here.source))
    if listed < max(1, len(marks)):
        yield f"{where} lists {listed} assumptions, the code has {len(marks)} marks: list each as - ASSUMED: ..."


def _decisions(text: str) -> set[str]:
    """Return the ids of decisions a text names, those in the middle of `A-XY-02..08`, `A-XY-02 to 08` as well."""
    return {
        f"A-{family}-{number:02}"
        for family, first, last in _DECISION.findall(text)
        for number in range(int(first), int(last or first) + 1)
    }


def _fixtures(here: Folders) -> Iterator[str]:
    found = sorted(here.fixtures.glob("*.json"))
    if not found:
        yield f"fixtures/{here.id}/ has no documented exchange: add one request with its reply as a JSON file."
    for path in found:
        try:
            missing = {"id", "requirements", "request", "response", "compare", "fields"} - json.loads(
                path.read_text("utf-8")
            ).keys()
        except ValueError as error:
            yield f"{here.short(path)} is not JSON: {error}."
            continue
        if missing:
            yield f"{here.short(path)} lacks {', '.join(sorted(missing))}: say it there."


def _todos(here: Folders) -> Iterator[str]:
    for path in here.files():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            found = _TODO.search(line)
            if found is not None:
                yield f"{here.short(path)}:{number} still has to be filled in: {found[0].strip()}"
