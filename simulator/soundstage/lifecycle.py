"""What the lifecycle documents say of tasks, in the words of each provider; read when a task is first shown."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from soundstage.core.timeline import State
from soundstage.resources import read_yaml, schema_root


@cache
def lifecycle(provider: str) -> Mapping[str, Any]:
    """Return a provider's whole document."""
    document: Mapping[str, Any] = read_yaml(schema_root() / provider / "lifecycle.yaml")
    return document


class Words(Mapping[State, str]):
    """A provider's word for each state of a task."""

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


def first_word(provider: str, dialect: str) -> str:
    """Return what a create reply in this dialect says of the new task."""
    word: str = lifecycle(provider)["dialects"][dialect]["create_status"]
    return word


def event_name(provider: str, word: str) -> str:
    """Return the name of the event that a task is now `word`; only a fault tells of one that has not ended."""
    named: Mapping[str, str] = lifecycle(provider)["callback_events"]
    return named.get(word) or next(iter(named.values())).rpartition(".")[0] + f".{word}"
