"""Composition: the only module that knows every part."""

from soundstage.core.clock import Clock, Wall, wall_now
from soundstage.core.rules import Book
from soundstage.core.universe import Opening
from soundstage.core.world import World
from soundstage.edge.stage import Stage
from soundstage.faults import Faults
from soundstage.providers import Providers
from soundstage.settings import Settings
from soundstage.store.memory import MemoryStore


def create_app(settings: Settings | None = None, wall: Wall = wall_now) -> Stage:
    """Return a stage ready to be started; two in one process share nothing.

    Raises ValueError for a provider there is none of, or a scenario that cannot be used.

    >>> create_app(Settings(port=0)).url
    ''
    """
    chosen = settings or Settings()
    providers = Providers(chosen.provider)
    faults = Faults()
    opening = Opening(
        seed=chosen.seed,
        credits=chosen.starting_credits,
        clock=_clock(chosen),
        history=chosen.history,
        faults=None if chosen.scenario is None else _book(chosen.scenario, faults),
    )
    return Stage(chosen, World(MemoryStore(wall), providers, opening, faults, wall), providers, faults)


def _clock(chosen: Settings) -> Clock:
    if chosen.clock == "manual":
        return Clock("manual", chosen.speed, at=chosen.start_at)
    return Clock("real", 1.0) if chosen.clock == "real" else Clock("scaled", chosen.speed)


def _book(scenario: str, faults: Faults) -> Book:
    from soundstage.scenarios import load

    return load(scenario, faults, Providers()).book()
