"""A universe of a test's own, and the app's way into it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Self, TypedDict, TypeGuard, Unpack

from soundstage.testing.calls import Requests
from soundstage.testing.clock import USUAL_SECONDS, Clock, instant
from soundstage.testing.line import Line, SoundstageError, read_json
from soundstage.testing.records import Callbacks, Faults, Ledger, Tasks, believed
from soundstage.testing.shapes import (
    Ask,
    Belief,
    Invariants,
    Mistake,
    Mode,
    OpenedUniverse,
    Provided,
    ScenarioShown,
    Verdict,
)
from soundstage.testing.twins import twin

_FILES = (".yaml", ".yml", ".json", ".toml")
_TEMPLATE = re.compile(r"\{([^{}]*)\}")


class Opened(TypedDict, total=False):
    """What a universe begins with; what is left out is as the server was started.

    `speed` divides durations on a scaled clock, `now` is where the clock begins, `balance` what each provider's account
    holds, `scenario` a name, a document or a file, `callback_url` the receiver of calls that name none.
    """

    universe: str
    seed: int
    clock: Mode
    speed: float
    now: datetime | str
    scenario: str | Path | Mapping[str, Any]
    balance: Decimal | str | int
    callback_url: str


class Soundstage:
    """One universe: `clock`, `faults`, `requests`, `tasks`, `ledger` and `callbacks` drive it and ask it.

    `key` is the API key for every provider, `id` the universe's name, `env` the variables an app may read.
    """

    def __init__(self, line: Line, opened: OpenedUniverse) -> None:
        self.key = opened["key"]
        self.id = opened["id"]
        self.opened = opened
        self._providers = opened["providers"]
        self._line = line
        self._ask: Ask = partial(line.call, universe=self.id)
        self._forks = 0
        self.clock = Clock(self._ask)
        self.faults = Faults(self._ask)
        self.requests = Requests(self._ask)
        self.tasks = Tasks(self._ask)
        self.ledger = Ledger(self._ask, {name: provider["key_id"] for name, provider in self._providers.items()})
        self.callbacks = Callbacks(self._ask)

    @classmethod
    def open(cls, line: Line, key: str | None = None, **how: Unpack[Opened]) -> Self:
        """Open a fresh universe on a server; what a universe of this key held before is forgotten.

        Raises SoundstageError when the server refuses or does not answer, and for a scenario's file with mistakes;
        ValueError for a `now` without a zone.
        """
        body: dict[str, Any] = {"key": key, **how}
        body |= {"now": instant(how.get("now")), "scenario": _scenario(how.get("scenario"))}
        if "balance" in how:
            body["balance"] = str(how["balance"])
        return cls(
            line, line.call("POST", "/universes", {name: value for name, value in body.items() if value is not None})
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Soundstage({self.id})"

    def close(self) -> None:
        """Forget this universe and its key."""
        self._ask("POST", "/reset", {"what": "all"})

    @property
    def env(self) -> dict[str, str]:
        """The base URL and API key of every provider, under the names of their environment variables."""
        urls = {provider["base_url_variable"]: provider["base_url"] for provider in self._providers.values()}
        return urls | {f"{name.upper()}_API_KEY": self.key for name in self._providers}

    def base_url(self, provider: str) -> str:
        """Return where a provider is served; raises SoundstageError for one there is none of."""
        return self._of(provider)["base_url"]

    def webhook_secret(self, provider: str) -> str:
        """Return what a provider signs this universe's callbacks with; raises SoundstageError likewise."""
        return self._of(provider)["webhook_secret"]

    def expand(self, template: str) -> str:
        """Return a text with {key}, {midsync} (a base URL) and {webhook_secret.midsync} filled in.

        Raises SoundstageError for a name there is none of.
        """
        values = {"key": self.key}
        for name, provider in self._providers.items():
            values |= {name: provider["base_url"], f"webhook_secret.{name}": provider["webhook_secret"]}

        def filled(match: re.Match[str]) -> str:
            if match[1] not in values:
                known = ", ".join(f"{{{name}}}" for name in values)
                raise SoundstageError("unknown_name", f"{template!r} may name {known}, not {match[0]}")
            return values[match[1]]

        return _TEMPLATE.sub(filled, template)

    def scenario(self, scenario: str | Path | Mapping[str, Any] | None) -> ScenarioShown:
        """Put a scenario in force, by name, file or document; None ends the one in force.

        Raises SoundstageError with everything that is wrong with it.
        """
        what = _scenario(scenario)
        shown: ScenarioShown = self._ask("PUT", "/scenario", what if isinstance(what, dict) else {"name": what})
        return shown

    def verdict(
        self,
        *,
        believes: Iterable[Belief | Mapping[str, Any]] | None = None,
        url: str | None = None,
        timeout: float = USUAL_SECONDS,
    ) -> Verdict:
        """Compare what the app believes of its tasks with the truth; return `ok` and the findings.

        Of a task the app may believe that it succeeded, failed, was cancelled or is pending; `refunded` is a failure
        whose credits it counts as returned, `unknown` one it has left to a person. `url` names an endpoint of the app
        that answers with the list, within `timeout` seconds. Without either, only what needs no word of the app is
        told. Raises SoundstageError for a belief of another form, and when the endpoint answers with anything else.
        """
        beliefs = believes if url is None else read_json(url, timeout)
        body = {} if beliefs is None else {"believes": believed(beliefs)}
        found: Verdict = self._ask("POST", "/verdict", body)
        return found

    def lint(self) -> list[Mistake]:
        """Return the mistakes of the client that its calls alone give away."""
        return list(self._ask("GET", "/lint")["findings"])

    def invariants(self) -> Invariants:
        """Return `ok`, and the violations: whether every credit is accounted for."""
        found: Invariants = self._ask("GET", "/invariants")
        return found

    def har(self) -> dict[str, Any]:
        """Return the calls as a HAR 1.2 document."""
        return dict(self._ask("GET", "/requests.har"))

    def fork(self) -> Self:
        """Copy this universe as it is now; the copy has a key of its own and no calls so far."""
        self._forks += 1
        body = {"key": f"{self.key}_fork{self._forks}"}
        return type(self)(self._line, self._ask("POST", f"/universes/{self.id}/fork", body))

    ascenario = twin(scenario)
    averdict = twin(verdict)
    alint = twin(lint)
    ainvariants = twin(invariants)
    ahar = twin(har)
    afork = twin(fork)
    aclose = twin(close)

    def _of(self, provider: str) -> Provided:
        if provider not in self._providers:
            known = ", ".join(self._providers)
            raise SoundstageError("unknown_provider", f"provider must be one of {known}, got {provider!r}")
        return self._providers[provider]


def names_a_file(scenario: object) -> TypeGuard[str | Path]:
    """Tell whether a scenario is given as a file, and not by name or as a document."""
    return isinstance(scenario, Path) or (isinstance(scenario, str) and scenario.endswith(_FILES))


def _scenario(given: str | Path | Mapping[str, Any] | None) -> str | dict[str, Any] | None:
    """Return a scenario as the admin API takes it; raises SoundstageError for a file that cannot be used."""
    if isinstance(given, Mapping):
        return dict(given)
    if given is None or (isinstance(given, str) and not names_a_file(given)):
        return given
    # Loaded only where there is a file: its lines are known here, so what is wrong is told here.
    from soundstage.faults import Faults  # noqa: PLC0415
    from soundstage.providers import Providers  # noqa: PLC0415
    from soundstage.scenarios import ScenarioError, load  # noqa: PLC0415

    try:
        return dict(load(Path(given), Faults(), Providers()).document)
    except ScenarioError as error:
        raise SoundstageError("invalid_scenario", str(error)) from None
