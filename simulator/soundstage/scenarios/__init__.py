"""Scenarios: named sets of fault rules, shipped with the product or written by its users in YAML or TOML.

A document has a name, a description of one sentence, and up to a hundred rules. Nothing that it does not say plainly
is accepted, and everything that is wrong with it is told at once, each with its file and line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from soundstage.core.provider import Provider
from soundstage.faults import Faults
from soundstage.scenarios import toml_text, yaml_text
from soundstage.scenarios.check import Scenario, scenario
from soundstage.scenarios.flaws import Flaw, Flaws, ScenarioError
from soundstage.validation import did_you_mean

__all__ = (
    "MOST_BYTES",
    "Flaw",
    "Scenario",
    "ScenarioError",
    "descriptions",
    "load",
    "named",
    "read_scenario",
    "scenario_from",
    "shipped",
    "text_of",
)

MOST_BYTES: Final = 64 * 1024
Written = Literal["yaml", "toml"]
_FORMATS: Final[Mapping[str, Written]] = {".yaml": "yaml", ".yml": "yaml", ".json": "yaml", ".toml": "toml"}
_SHIPPED: Final = Path(__file__).parent / "shipped"


def read_scenario(
    given: Path | str, faults: Faults, providers: Mapping[str, Provider], *, written: Written = "yaml"
) -> Scenario:
    """Return the scenario in a file, or in a text that is `written` in YAML or TOML.

    Raises ScenarioError with everything that is wrong with it.
    """
    if isinstance(given, str):
        flaws, raw = Flaws("text"), given.encode("utf-8", "surrogatepass")
    else:
        flaws = Flaws(str(given))
        written, raw = _format(given, flaws), _content(given, flaws)
    return scenario(_parsed(raw, written, flaws), flaws, faults, providers)


def scenario_from(document: Any, faults: Faults, providers: Mapping[str, Provider]) -> Scenario:
    """Return the scenario that parsed JSON describes; raises ScenarioError, which names places and no lines."""
    return scenario(document, Flaws(), faults, providers)


def load(given: str | Path, faults: Faults, providers: Mapping[str, Provider]) -> Scenario:
    """Return a shipped scenario by its name, or the one in a file; raises ScenarioError."""
    return read_scenario(_file_of(given), faults, providers)


def named(name: str, faults: Faults, providers: Mapping[str, Provider]) -> Scenario:
    """Return a shipped scenario, and never a file of the user's; raises ScenarioError."""
    return read_scenario(_shipped(name), faults, providers)


def text_of(given: str | Path) -> str:
    """Return a scenario's document as it was written; raises ScenarioError when there is none."""
    path = _file_of(given)
    flaws = Flaws(str(path))
    return _text(_content(path, flaws), flaws)


def shipped() -> tuple[str, ...]:
    """Return the names of the scenarios that come with the product, in alphabetical order."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


def descriptions() -> dict[str, str]:
    """Return what each shipped scenario shows, by name; no fault is loaded for that."""
    found: dict[str, str] = {}
    for name in shipped():
        path = _SHIPPED / f"{name}.yaml"
        flaws = Flaws(str(path))
        found[name] = " ".join(_parsed(_content(path, flaws), "yaml", flaws)["description"].split())
    return found


def _file_of(given: str | Path) -> Path:
    if isinstance(given, Path):
        return given
    is_file = given not in shipped() and ("/" in given or "\\" in given or Path(given).suffix != "")
    return Path(given) if is_file else _shipped(given)


def _shipped(name: str) -> Path:
    if name in shipped():
        return _SHIPPED / f"{name}.yaml"
    hint = did_you_mean(name, shipped()) or f"; there are {', '.join(shipped())}"
    message = f"there is no scenario {name[:60]!r}{hint} (a file's name ends in {', '.join(_FORMATS)})"
    raise ScenarioError([Flaw("", None, message)])


def _format(path: Path, flaws: Flaws) -> Written:
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        flaws.stop((), f"a scenario's file ends in {', '.join(_FORMATS)}, got {path.suffix or 'nothing'}")
    return found


def _content(path: Path, flaws: Flaws) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "a file's name holds no such character"
        flaws.stop((), f"cannot be read: {said}; give a scenario's name or a file that is there")


def _text(raw: bytes, flaws: Flaws) -> str:
    if len(raw) > MOST_BYTES:
        flaws.stop((), f"a scenario has at most {MOST_BYTES // 1024} KiB, got more; make two of it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        flaws.stop((), f"must be UTF-8, got byte 0x{raw[error.start]:02x}; save the file as UTF-8", line)


def _parsed(raw: bytes, written: Written, flaws: Flaws) -> Any:
    text = _text(raw, flaws)
    return toml_text.read(text, flaws) if written == "toml" else yaml_text.read(text, flaws)
