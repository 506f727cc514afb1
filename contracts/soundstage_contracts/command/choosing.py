"""Which part of the suite is asked for: layers by their names, promises by the beginnings of their ids."""

from __future__ import annotations

LAYERS = {
    "L0": "the documents are sound",
    "L1": "generated requests are answered as the documents say",
    "L2": "every promise, case by case",
    "L3": "a model of tasks and money agrees step by step",
}


def chosen(name: str, only: tuple[str, ...]) -> bool:
    """Return whether an id begins with one of `only`, with or without the provider's prefix; without `only` all do."""
    names = (name.lower(), name.lower().partition("-")[2])
    return not only or any(one.startswith(wanted.lower()) for wanted in only for one in names)
