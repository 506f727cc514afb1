"""What a server is started with: flags first, then SOUNDSTAGE_* variables, then these defaults."""

from dataclasses import dataclass

from soundstage.core.clock import MANUAL_START, Mode
from soundstage.core.journal import CAPACITY
from soundstage.core.money import MICROS

DEFAULT_PORT = 4090
DEFAULT_CREDITS = 1000 * MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a stage needs to know before it opens. `starting_credits` is in micros, `start_at` in ms.

    An `embedded` stage lives in somebody else's process: it leaves the garbage collector alone, and calls that are
    under way when it stops are dropped at once. `scenario` names a shipped scenario or a file: new universes begin
    with it. `journal` is how many calls are kept, of all universes.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    provider: str | None = None
    speed: float = 10.0
    clock: Mode = "scaled"
    start_at: int = MANUAL_START
    seed: int = 0
    starting_credits: int = DEFAULT_CREDITS
    history: int = 0
    strict_keys: bool = False
    allow_egress: bool = False
    public_base_url: str | None = None
    admin_token: str | None = None
    embedded: bool = False
    scenario: str | None = None
    journal: int = CAPACITY
