"""Lets Hypothesis do things to a world in any order, and shows the shortest way to whatever goes wrong."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from soundstage_contracts.layers.stories import stories, tell
from soundstage_contracts.layers.world import MOST_TASKS, Task, World
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import Broken, NotReached

STEPS = 15
REST = "rest"
"""Nothing; what shrinking puts where a step is not needed."""


@dataclass
class Run:
    """What all examples of a run have reached, and the world of the last one."""

    visited: set[str] = field(default_factory=set)
    world: World | None = None
    opened: int = 0

    def open(self, target: Target) -> World:
        """Return a new world for an example."""
        self.opened += 1
        self.world = World(target, self.visited, self.opened)
        return self.world


class Step(NamedTuple):
    """One thing to do: `what`, and whatever of the rest it takes; `which` counts around the tasks there are."""

    what: str
    who: str
    name: str
    which: int
    seconds: int
    story: str


def explore(target: Target, run: Run, number: int, examples: int) -> None:
    """Try `examples` orders of doing things; raises what went wrong, after the shortest way to it was gone last."""

    def go(steps: list[Step]) -> None:
        world = run.open(target)
        world.check()
        for step in steps:
            if do(world, step):
                world.check()

    chosen = settings(
        max_examples=examples,
        backend="hypothesis",
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
        report_multiple_bugs=False,
    )
    try:
        seed(number)(chosen(given(_orders(target))(go)))()
    except Flaky as error:
        raise Broken(f"the same steps went well once and not another time: {error}") from None


def _orders(target: Target) -> st.SearchStrategy[list[Step]]:
    """Return what draws orders of steps.

    All of it is chosen from short lists. Hypothesis also draws numbers that it finds in the modules which are loaded,
    but none below 100, so what is done depends on the seed alone, whatever process this runs in.
    """
    steps = st.builds(
        Step,
        st.sampled_from(_actions(target)),
        st.sampled_from(("rich", "rich", "poor")),
        st.sampled_from([one.name for one in target.driver.creations()]),
        st.sampled_from(range(MOST_TASKS)),
        st.sampled_from((1, 5, 30, 300)),
        st.sampled_from(stories(target.driver)),
    )
    return st.lists(steps, min_size=STEPS, max_size=STEPS)


def _actions(target: Target) -> tuple[str, ...]:
    often = ("create", "step", "wait", "fail", "look at another's", "quote")
    return (REST, *often, *(() if target.driver.life.cancelled is None else ("cancel",)), "create", "go a directed way")


def do(world: World, step: Step) -> bool:
    """Do one thing if the world is ready for it; return whether anything was done."""
    if step.what == "create":
        return _create(world, step)
    if step.what == "quote":
        world.quote(step.name)
    elif step.what == "step":
        world.step()
    elif step.what == "wait":
        world.wait(step.seconds)
    elif step.what == "go a directed way":
        return _go(world, step)
    else:
        return _to_a_task(world, step)
    return True


def _create(world: World, step: Step) -> bool:
    if len(world.tasks) >= MOST_TASKS:
        return False
    world.create(step.who, step.name)
    return True


def _go(world: World, step: Step) -> bool:
    if world.tasks:
        return False
    # The cells tell what was not reached.
    with suppress(NotReached):
        tell(world, step.story)
    return True


def _to_a_task(world: World, step: Step) -> bool:
    """Do something to one of the tasks, of which only a living one can fail."""
    tasks: list[Task] = world.living if step.what == "fail" else world.tasks
    if step.what == REST or not tasks:
        return False
    task = tasks[step.which % len(tasks)]
    if step.what == "fail":
        world.fail(task)
    elif step.what == "cancel":
        world.cancel(task)
    else:
        world.look_at_anothers(task)
    return True
