"""The contract's data: one folder of documents per provider, from a checkout or from the installed data package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from yaml import load
from yamlcore import CCoreLoader


@cache
def schema_root() -> Path:
    """Return the folder that holds one folder of contract data per provider."""
    here = Path(__file__).resolve().parents[1]
    installed = here.parent / "soundstage_schemas"
    return installed if installed.is_dir() else here.parents[1] / "schemas"


@cache
def document(provider: str, name: str) -> Any:
    """Return one document of a provider, such as `openapi` or `lifecycle`, read as YAML 1.2."""
    path = schema_root() / provider / f"{name}.yaml"
    return load(path.read_text(encoding="utf-8"), Loader=CCoreLoader)  # noqa: S506 - a core-schema loader, no objects


def providers() -> tuple[str, ...]:
    """Return the ids of all providers that have documents."""
    return tuple(sorted(path.parent.name for path in schema_root().glob("*/openapi.yaml")))
