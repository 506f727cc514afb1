"""Lets Hypothesis do things to a world in any order, and shows the shortest way to whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from soundstage_contracts.layers.stories import stories, tell
from soundstage_contracts.layers.world import MOST_TASKS, World
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import Broken, NotReached

STEPS = 12


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


def explore(target: Target, run: Run, number: int, examples: int) -> None:
    """Try `examples` orders of doing things; raises what went wrong, after the shortest way to it was gone last."""
    machine = seed(number)(_machine(target, run))
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
        report_multiple_bugs=False,
    )
    with _no_literals():
        try:
            run_state_machine_as_test(machine, settings=chosen)
        except Flaky as error:
            raise Broken(f"the same steps went well once and not another time: {error}") from None


@contextmanager
def _no_literals() -> Iterator[None]:
    """Keep Hypothesis from drawing values out of the modules that are loaded: they would change what is done."""
    kept = providers._get_local_constants, providers.CONSTANTS_CACHE  # noqa: SLF001
    providers._get_local_constants = Constants  # noqa: SLF001
    providers.CONSTANTS_CACHE = LRUCache(1024)
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = kept  # noqa: SLF001


def _machine(target: Target, run: Run) -> type[RuleBasedStateMachine]:  # noqa: C901 - a class with a method a rule
    names = st.sampled_from([one.name for one in target.driver.creations()])
    which = st.sampled_from(range(MOST_TASKS))
    told = st.sampled_from(stories(target))

    class Machine(RuleBasedStateMachine):
        """Does things to a world."""

        world: World

        @initialize()
        def begin(self) -> None:
            self.world = run.open(target)

        @precondition(lambda self: len(self.world.tasks) < MOST_TASKS)
        @rule(who=st.sampled_from(["rich", "rich", "poor"]), name=names)
        def create(self, who: str, name: str) -> None:
            self.world.create(who, name)

        @rule(name=names)
        def quote(self, name: str) -> None:
            self.world.quote(name)

        @rule()
        def step(self) -> None:
            self.world.step()

        @rule(seconds=st.sampled_from([1, 5, 30, 300]))
        def wait(self, seconds: int) -> None:
            self.world.wait(seconds)

        @precondition(lambda self: bool(self.world.living))
        @rule(which=which)
        def fail(self, which: int) -> None:
            self.world.fail(self.world.living[which % len(self.world.living)])

        @precondition(lambda self: bool(self.world.tasks) and target.driver.life.cancelled is not None)
        @rule(which=which)
        def cancel(self, which: int) -> None:
            self.world.cancel(self.world.tasks[which % len(self.world.tasks)])

        @precondition(lambda self: bool(self.world.tasks))
        @rule(which=which)
        def look_at_anothers(self, which: int) -> None:
            self.world.look_at_anothers(self.world.tasks[which % len(self.world.tasks)])

        @precondition(lambda self: not self.world.tasks)
        @rule(story=told)
        def go_a_directed_way(self, story: str) -> None:
            # The cells tell what was not reached.
            with suppress(NotReached):
                tell(self.world, story)

        @invariant()
        def all_agrees(self) -> None:
            self.world.check()

    return Machine
