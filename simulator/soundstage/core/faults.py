"""Faults as hooks: the places where the engine asks whether something goes wrong.

A fault is one small class under `faults/<family>/`; every hook here does nothing, so each overrides the one it is
about. The engine in `core.bending` calls them, and never knows which.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from soundstage.core.bent import Applied, Bent
from soundstage.core.call import Call, Reply
from soundstage.core.outbox import Planned
from soundstage.core.provider import Operation, Provider, Role
from soundstage.core.randomness import Draw
from soundstage.core.task import Order, Task
from soundstage.core.view import Tx

# What a fault bends: the call itself, the task a call creates, a task's callbacks, or a file's download.
Place = Literal["exchange", "task", "callback", "file"]
# What a provider must have for a fault to mean anything; "price" is one that its replies show.
Need = Literal["callback", "signature", "price", "progress"]


class Scene(NamedTuple):
    """What a fault may look at; `call` and `operation` are None where no client asks, `task` where none is yet."""

    tx: Tx
    provider: Provider
    draw: Draw
    base_url: str
    operation: Operation | None = None
    call: Call | None = None
    task: Task | None = None

    def callback_body(self, task: Task) -> bytes:
        """Return the body a callback about this task would have; the task may be an altered copy of the real one."""
        scheme = self.provider.callback
        return b"" if scheme is None else scheme.body(self.tx, task, self.base_url)


class Signing(NamedTuple):
    """What a callback's headers are made of: the key's secret, Unix seconds, and the delivery's own bytes."""

    secret: str
    timestamp: int


class Outgoing(NamedTuple):
    """One attempt as it goes out; `number` counts from 1, `forged` says that it is not signed as it must be."""

    headers: Mapping[str, str]
    body: bytes
    number: int
    forged: bool = False


class Fault:
    """One thing that goes wrong. Each hook returns what it was given, until a fault overrides it.

    `place` says what it bends; `roles` for which calls, empty for all, where a rule names no operation itself.
    `needs` is what only some providers have. `trials` are the parameters worth trying, one trial for each set; without
    any, the defaults.
    """

    place: ClassVar[Place]
    roles: ClassVar[frozenset[Role]] = frozenset()
    needs: ClassVar[frozenset[Need]] = frozenset()
    trials: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def before(self, scene: Scene) -> Reply | None:
        """Answer in place of the provider; nothing is created or charged."""
        return None

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Change the reply, or how it leaves, when everything has been done; of a task, the reply that creates it."""
        return reply

    def order(self, scene: Scene, order: Order) -> Order:
        """Change a task before it is created."""
        return order

    def bend(self, scene: Scene, order: Order, bent: Bent) -> Bent:
        """Change the course or the bill of the task that `order` creates."""
        return bent

    def view(self, scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
        """Change a task's body as polls and callbacks show it."""
        return body

    def plan(self, scene: Scene, planned: list[Planned]) -> list[Planned]:
        """Change which callbacks a task's end brings."""
        return planned

    def sign(self, scene: Scene, signing: Signing, number: int) -> Signing:
        """Change what an attempt is signed with."""
        return signing

    def send(self, scene: Scene, outgoing: Outgoing) -> Outgoing:
        """Change an attempt after it was signed."""
        return outgoing


class Library(Protocol):
    """Where faults are found by name; asking twice gives the same object."""

    def kind(self, name: str) -> type[Fault]:
        """Return a fault's class; raises KeyError for a name there is none of."""
        ...

    def at_work(self, applied: Applied) -> Fault:
        """Return a fault with its parameters."""
        ...
