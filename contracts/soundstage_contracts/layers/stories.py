"""Directed ways through a world, one to every state and outcome that a run must have seen."""

from __future__ import annotations

from collections.abc import Iterator

from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.layers.world import MOST_TASKS, World
from soundstage_contracts.stage import PROMPT
from soundstage_contracts.verdict import NotApplicable


def required(driver: Driver) -> tuple[str, ...]:
    """Return the cells that a run must reach: operation, outcome, and the state of the task it is about."""
    life = driver.life
    cells = ["create/ok", "create/credits", "poll/not_found"]
    cells += [f"poll/ok/{word}" for word in life.words]
    cells += [f"fail/ok/{word}" for word in (life.initial, life.running)]
    if life.cancelled is not None:
        cells += [f"cancel/ok/{word}" for word in (life.initial, life.running)]
        cells += [f"cancel/refused/{word}" for word in (life.success, life.failure, life.cancelled)]
    try:
        driver.quote(driver.creations()[0].build(PROMPT))
    except NotApplicable:
        return tuple(cells)
    return (*cells, "quote/ok")


def stories(driver: Driver) -> tuple[str, ...]:
    """Return the names of the directed ways that a provider has."""
    known = ["succeeds", "fails waiting", "fails running", "runs out"]
    if driver.life.cancelled is not None:
        known += ["cancelled waiting", "cancelled running", "cancelled too late"]
    return tuple(known)


def tell(world: World, story: str) -> None:
    """Go one directed way, comparing after every step."""
    for _ in _steps(world, story):
        world.check()


def _steps(world: World, story: str) -> Iterator[None]:
    life, name = world.driver.life, next(iter(world.creations))
    if story == "runs out":
        yield from _run_out(world)
        return
    world.quote(name)
    task = world.create("rich", name)
    yield
    if task is None:
        return
    world.look_at_anothers(task)
    if story.endswith("running"):
        world.reach(task, life.running)
    if story == "succeeds" or story.endswith("too late"):
        world.reach(task, life.success)
    if story.startswith("fails"):
        world.fail(task)
    elif story.startswith("cancelled"):
        world.cancel(task)
        yield
        world.cancel(task)
    yield
    world.wait(600)
    yield


def _run_out(world: World) -> Iterator[None]:
    """Spend the poor account's credits on the dearest task until one is refused, and fail a task to have some back."""
    names = list(world.creations)
    for name in names:
        if len(world.tasks) < MOST_TASKS:
            world.create("rich", name)
    yield
    dearest = max(world.prices, key=lambda name: world.prices[name])
    for _ in range(MOST_TASKS):
        made = world.create("poor", dearest)
        yield
        if made is None:
            return
