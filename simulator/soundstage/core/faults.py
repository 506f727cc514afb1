"""Faults as hooks: the places where the engine asks whether something goes wrong.

A fault is one small class under `faults/<family>/`, of one of four kinds: it bends a call, the task a call creates, a
task's callbacks or a file's download. Every hook here does nothing, so each fault overrides the one it is about. The
engine in `core.bending` calls them, and never knows which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from soundstage.core.bent import Applied
from soundstage.core.call import Call, Reply
from soundstage.core.outbox import Planned
from soundstage.core.provider import CallbackScheme, Operation, Provider, Role
from soundstage.core.randomness import Draw
from soundstage.core.task import Order, Task
from soundstage.core.view import Tx

Place = Literal["exchange", "task", "callback", "file"]
# What a provider must have for a fault to mean anything; "price" is one that its replies show. A call must also name a
# receiver, or its key, where a fault needs callbacks.
Need = Literal["callback", "signature", "price", "progress"]


@dataclass(frozen=True, slots=True)
class Scene:
    """What every fault may look at."""

    tx: Tx
    provider: Provider
    draw: Draw


@dataclass(frozen=True, slots=True)
class CallScene(Scene):
    """A call that a client makes."""

    operation: Operation
    call: Call


@dataclass(frozen=True, slots=True)
class TaskScene(Scene):
    """A task that somebody looks at, or whose file they fetch."""

    task: Task


@dataclass(frozen=True, slots=True)
class CallbackScene(TaskScene):
    """The end of a task that brings callbacks."""

    scheme: CallbackScheme
    base_url: str

    def body(self, task: Task) -> bytes:
        """Return the body a callback about this task would have; the task may be an altered copy of the real one."""
        return self.scheme.body(self.tx, task, self.base_url)


@dataclass(frozen=True, slots=True)
class AttemptScene(Scene):
    """An attempt to deliver a callback; `number` counts from 1."""

    scheme: CallbackScheme
    number: int


class Signing(NamedTuple):
    """What a callback's headers are made of: the key's secret, Unix seconds, and the delivery's own bytes."""

    secret: str
    timestamp: int


class Outgoing(NamedTuple):
    """One attempt as it goes out; `forged` says that it is not signed as it must be."""

    headers: Mapping[str, str]
    body: bytes
    forged: bool = False


class Fault:
    """One thing that goes wrong. Each hook returns what it was given, until a fault overrides it.

    `place` says what it bends; `roles` which calls it is for, empty for all; `anywhere` that a rule that names an
    operation may aim it at others too. `needs` is what only some providers have. `trials` are the parameters worth
    trying, one trial for each set; without any, the defaults.
    """

    place: ClassVar[Place]
    roles: ClassVar[frozenset[Role]] = frozenset()
    anywhere: ClassVar[bool] = False
    needs: ClassVar[frozenset[Need]] = frozenset()
    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ()


class ExchangeFault(Fault):
    """Something that goes wrong with one call."""

    place: ClassVar[Place] = "exchange"

    def before(self, scene: CallScene) -> Reply | None:
        """Answer in place of the provider; nothing is created or charged."""
        return None

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Change the reply, or how it leaves, when everything has been done."""
        return reply


class TaskFault(Fault):
    """Something that goes wrong with the task a call creates."""

    place: ClassVar[Place] = "task"
    roles: ClassVar[frozenset[Role]] = frozenset({"create"})

    def order(self, scene: CallScene, order: Order) -> Order:
        """Change a task, its course and its bill before it is created."""
        return order

    def view(self, scene: TaskScene, body: dict[str, Any]) -> dict[str, Any]:
        """Change the task's body as polls and callbacks show it; the same body where nothing changes."""
        return body

    def after(self, scene: CallScene, task: Task, reply: Reply) -> Reply:
        """Change the reply to the call that created the task."""
        return reply


class CallbackFault(Fault):
    """Something that goes wrong with a task's callbacks."""

    place: ClassVar[Place] = "callback"
    roles: ClassVar[frozenset[Role]] = frozenset({"create"})
    needs: ClassVar[frozenset[Need]] = frozenset({"callback"})

    def plan(self, scene: CallbackScene, planned: list[Planned]) -> list[Planned]:
        """Change which callbacks a task's end brings."""
        return planned

    def sign(self, scene: AttemptScene, signing: Signing) -> Signing:
        """Change what an attempt is signed with."""
        return signing

    def send(self, scene: AttemptScene, outgoing: Outgoing) -> Outgoing:
        """Change an attempt after it was signed."""
        return outgoing


class FileFault(Fault):
    """Something that goes wrong with the download of a task's result."""

    place: ClassVar[Place] = "file"
    roles: ClassVar[frozenset[Role]] = frozenset({"create"})

    def before(self, scene: TaskScene) -> Reply | None:
        """Answer in place of the file server."""
        return None

    def after(self, scene: TaskScene, reply: Reply) -> Reply:
        """Change the reply, whose body is the file, or how it leaves."""
        return reply


class Library(Protocol):
    """Where faults are found by name; asking twice gives the same object."""

    def at_work(self, applied: Applied) -> Fault:
        """Return a fault with its parameters; raises KeyError for a name there is none of."""
        ...
