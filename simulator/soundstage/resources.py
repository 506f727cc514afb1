"""Where the data files are, and how they are read: at the root of a checkout, in the data package when installed."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from soundstage.core.timeline import State


@cache
def schema_root() -> Path:
    """Return the folder that holds one folder of contract data per provider."""
    here = Path(__file__).resolve().parent
    installed = here.parent / "soundstage_schemas"
    # Asked first: a folder of this common name may lie anywhere above an installation.
    return installed if installed.is_dir() else here.parents[1] / "schemas"


def read_yaml(path: Path) -> Any:
    """Return what a YAML 1.2 file says; `16:9`, `no` and dates stay the strings they look like."""
    # The two imports cost 20 ms; whoever asks only for --help does not pay them.
    from yaml import load  # noqa: PLC0415
    from yamlcore import CCoreLoader  # noqa: PLC0415

    return load(path.read_text(encoding="utf-8"), Loader=CCoreLoader)  # noqa: S506 - a core-schema loader, no objects


@cache
def lifecycle(provider: str) -> Mapping[str, Any]:
    """Return what a provider's lifecycle document says."""
    document: Mapping[str, Any] = read_yaml(schema_root() / provider / "lifecycle.yaml")
    return document


class Words(Mapping[State, str]):
    """A provider's word for each state of a task, from its lifecycle document, which the first look reads."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._known: dict[State, str] = {}

    def __getitem__(self, state: State) -> str:
        # Every poll asks: one look into a dictionary, once they are known.
        return (self._known or self._read())[state]

    def __iter__(self) -> Iterator[State]:
        return iter(self._known or self._read())

    def __len__(self) -> int:
        return len(self._known or self._read())

    def _read(self) -> dict[State, str]:
        said = lifecycle(self._provider)["from_core"]
        self._known = {state: row["state"] for state, row in said.items()}
        return self._known
