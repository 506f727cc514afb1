"""The faults of the product, found by name: `family/name` is the file `<family>/<name>.py`; there is no other list.

A fault is a pydantic model, its fields its parameters, of one of the four kinds below, with the hooks it needs. The
first line of its docstring is its sentence in the catalogue.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from soundstage.core import faults as core
from soundstage.core.bent import Applied


class Fault(BaseModel, core.Fault):
    """One thing that goes wrong; fields are its parameters, and one it does not know is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _as_json(cls, given: Any) -> Any:
        # A parameter may be anything, and what it is goes into replies, reports and the rows of a universe.
        strange = [name for name, value in given.items() if not _is_json(value)] if isinstance(given, Mapping) else []
        if strange:
            raise ValueError(f"{strange[0]} must be JSON, its texts Unicode and its numbers finite")
        return given


class ExchangeFault(Fault, core.ExchangeFault):
    """Something that goes wrong with one call."""


class TaskFault(Fault, core.TaskFault):
    """Something that goes wrong with the task a call creates."""


class CallbackFault(Fault, core.CallbackFault):
    """Something that goes wrong with a task's callbacks."""


class FileFault(Fault, core.FileFault):
    """Something that goes wrong with the download of a task's result."""


class Faults(Mapping[str, type[Fault]]):
    """Every fault by its name; a fault's file is read when it is first asked for."""

    @cached_property
    def _names(self) -> tuple[str, ...]:
        here = Path(__file__).parent
        files = here.glob("*/[a-z]*.py")
        return tuple(sorted(f"{path.parent.name}/{path.stem.replace('_', '-')}" for path in files))

    def __getitem__(self, name: str) -> type[Fault]:
        """Return a fault's class."""
        if name not in self._names:
            raise KeyError(name)
        return _class_of(name)

    def __iter__(self) -> Iterator[str]:
        """Yield the names in alphabetical order."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many faults there are."""
        return len(self._names)

    def kind(self, name: str) -> type[Fault]:
        """Return a fault's class; raises KeyError for a name there is none of."""
        return self[name]

    def at_work(self, applied: Applied) -> Fault:
        """Return a fault with parameters that were checked before."""
        return _with(applied.name, applied.params)

    def checked(self, name: str, params: Mapping[str, Any], origin: str) -> Applied:
        """Return a fault ready to act.

        Raises ValueError that names the fault or the parameter, what is allowed and what came.
        """
        if name not in self._names:
            raise ValueError(f"there is no fault {name[:60]!r}{_near(name, self._names)}")
        kind = self[name]
        try:
            made = kind.model_validate(params)
        except ValidationError as error:
            raise ValueError(_told(name, kind, error)) from None
        return Applied(name, orjson.dumps(made.model_dump(exclude_unset=True), option=orjson.OPT_SORT_KEYS), origin)


def _is_json(value: Any) -> bool:
    try:
        return bool(orjson.loads(orjson.dumps(value)) == value)
    except (TypeError, ValueError):
        return False


def _near(name: str, names: tuple[str, ...]) -> str:
    last = name.rpartition("/")[2]
    by_last = {known.partition("/")[2]: known for known in names}
    alike = get_close_matches(name[:60], names, 1, cutoff=0.6) or get_close_matches(last[:60], by_last, 1, cutoff=0.6)
    close = by_last.get(last) or next((by_last.get(one, one) for one in alike), None)
    return f"; did you mean {close}?" if close else "; soundstage faults lists them"


def _told(name: str, kind: type[Fault], error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    known = ", ".join(field.alias or name for name, field in kind.model_fields.items()) or "none"
    if first["type"] == "extra_forbidden":
        return f"{name} has no parameter {field[:60]!r}; it has {known}"
    came = "" if first["type"] == "missing" else f", got {str(first['input'])[:60]!r}"
    said = first["msg"].removeprefix("Value error, ")
    return f"{name}: {field or 'its parameters'}: {said}{came}; its parameters are {known}"


@lru_cache(maxsize=256)
def _class_of(name: str) -> type[Fault]:
    module = import_module(f"{__name__}.{name.replace('-', '_').replace('/', '.')}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Fault) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one fault, it defines {len(found)}")
    return found[0]


@lru_cache(maxsize=1024)
def _with(name: str, params: bytes) -> Fault:
    return _class_of(name).model_validate_json(params)
