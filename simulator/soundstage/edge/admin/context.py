"""What every admin handler gets, and how it refuses."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from soundstage.core.journal import Journal
from soundstage.core.universe import DIRECTORY
from soundstage.core.world import World
from soundstage.edge.delivery import Courier
from soundstage.edge.gate import Gate
from soundstage.faults import Faults
from soundstage.faults.rule import names_of
from soundstage.settings import Settings
from soundstage.store.blobs import BlobStore
from soundstage.validation import Path, no_such_key, place, sentence, where

Model = TypeVar("Model", bound=BaseModel)


class AdminBody(BaseModel):
    """A request body of the admin API; a field it does not know is an error, because it is surely a typing mistake."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AdminError(Exception):
    """A refusal: HTTP status, a machine word, a sentence, and what to do."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.hint = hint


def readable(text: str) -> str:
    """Return text that JSON can hold: bytes that were no UTF-8 become question marks."""
    return str(text).encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the running server that the admin API reads and drives."""

    world: World
    gate: Gate
    journal: Journal
    courier: Courier
    blobs: BlobStore
    settings: Settings
    faults: Faults


@dataclass(frozen=True, slots=True)
class AdminCall:
    """One admin call. `universe` is the one it names, "*" for all, or None when it names none.

    `gone` tells whether the client has left, for an answer that takes its time.
    """

    services: Services
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    universe: str | None
    gone: Callable[[], bool] = lambda: False

    @property
    def world(self) -> World:
        """The world."""
        return self.services.world

    @property
    def named(self) -> str | None:
        """The one universe that the call is about; None when it is about all of them."""
        return None if self.universe == "*" else self.universe

    def read(self, model: type[Model]) -> Model:
        """Return the body as `model`; raises AdminError with a sentence about the first thing wrong."""
        given = {} if self.body is None else self.body
        try:
            return model.model_validate(given)
        except ValidationError as error:
            found = error.errors(include_url=False)
            here = where(found[0], given)
            known = names_of(_model_at(model, here[:-1]))
            said = found[0]["msg"]
            if found[0]["type"] == "extra_forbidden":
                said = no_such_key(str(here[-1]), known)
            elif found[0]["type"] == "value_error":
                said = sentence(found[:1])
            message = f"{place(here) or 'the body'}: {said}"
            raise AdminError(400, "invalid_request", message, f"fields: {', '.join(known)}") from None

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number of the query between 1 and `most`."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (len(text) <= 15 and text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise AdminError(
                400, "invalid_request", f"{name} must be a whole number from 1 to {most}, got {text[:40]!r}"
            )
        return int(text)

    def readable(self) -> list[str]:
        """Return the universes a read covers: the one named, or all."""
        if self.named is not None:
            return [self.named]
        return [name for name in self.world.store.universes() if name != DIRECTORY]

    def writable(self) -> list[str]:
        """Return the universes a write covers; raises AdminError when the call names none."""
        if self.universe is None:
            raise AdminError(
                400,
                "universe_needed",
                "this call changes something and names no universe",
                "send Authorization: Bearer <api key>, or X-Soundstage-Universe: <id>, or X-Soundstage-Universe: *",
            )
        return self.readable()

    def answer(self, per_universe: list[Any]) -> Any:
        """Return the one result when the call names one universe, the list when it covers them all."""
        return per_universe if self.named is None else per_universe[0]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """Return the model of what stands at a path of a body; the innermost one known."""
    for part in path:
        field = next((one for name, one in model.model_fields.items() if (one.alias or name) == part), None)
        kinds = [] if field is None else [field.annotation, *_inside(field.annotation)]
        model = next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), model)
    return model


def _inside(kind: Any) -> Iterator[Any]:
    for one in get_args(kind):
        yield one
        yield from _inside(one)


Answer = tuple[int, Any]
AdminHandler = Callable[[AdminCall], Awaitable[Answer]]
Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Route:
    """One admin endpoint, as served and as described in the OpenAPI document."""

    method: Method
    path: str
    handle: AdminHandler
    summary: str
    body: type[AdminBody] | None = None
    status: int = 200
    query: tuple[str, ...] = ()
