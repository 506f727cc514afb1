"""What the contract suite must hold for a provider, and what its promises must say: each rule returns sentences."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from soundstage.resources import read_yaml
from soundstage_contracts.command.coverage import Covered
from soundstage_contracts.promise import Promise

SUITE = Path("contracts/soundstage_contracts")
JUDGED = {"price": "prices", "check_signature": "how callbacks are signed"}
"""What a driver may say only by an oracle, which is the suite's own knowledge of it."""
_PREFIX = re.compile(r"[A-Z0-9]+")
_TODO = re.compile(r"TODO.*")
# R-MID-101..107, R-V2-044, 050, 053 to 055, R-V2-043 (zero), 049: the first id in full, the others by their digits.
_IDS = re.compile(r"(R-[A-Z0-9]+-)(\d{3}(?:(?: \([a-z]+\))?(?:\.\.|-|,? to |,? and |, )\d{3}\b)*)")
_BETWEEN = re.compile(r"(\.\.|-|,? to |,? and |, )(?=\d)")
_SPANS = ("..", "-", "to")


@dataclass(frozen=True)
class Part:
    """The suite's part of one provider in a tree."""

    root: Path
    id: str

    @property
    def path(self) -> Path:
        """The file of its driver."""
        return self.root / SUITE / "drivers" / f"{self.id}.py"

    @cached_property
    def text(self) -> str:
        """The driver's text, empty when there is none."""
        return self.path.read_text("utf-8") if self.path.is_file() else ""

    @cached_property
    def tree(self) -> ast.Module:
        """The driver as Python reads it."""
        return ast.parse(self.text)

    @property
    def prefix(self) -> str:
        """What its promises' ids begin with, and its requirements' behind the R; empty when the driver does not say."""
        said = (node for node in ast.walk(self.tree) if isinstance(node, ast.Assign))
        found = (ast.literal_eval(node.value) for node in said if ast.unparse(node.targets[0]) == "prefix")
        return str(next(found, ""))


def faults(root: Path, provider_id: str) -> list[str]:
    """Return what the suite lacks of a provider; nothing when it can verify it."""
    part = Part(root, provider_id)
    return [sentence for rule in (_driver, _oracles, _requirements) for sentence in rule(part)]


def _driver(part: Part) -> Iterator[str]:
    where = (SUITE / "drivers" / f"{part.id}.py").as_posix()
    if not part.text:
        yield f"{where} is missing: say there how the provider's tasks, errors and prices look on its wire, as DRIVER."
        return
    if not any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DRIVER" for node in part.tree.body):
        yield f"{where} has no DRIVER: end it with one object of its class."
    if not _PREFIX.fullmatch(part.prefix):
        yield f"{where} has no prefix of capital letters and digits: promises are named by it, such as KEY-LIFE-001."
    others = (one.stem for one in part.path.parent.glob("*.py") if one.stem not in {"__init__", "base", part.id})
    for other in others:
        if Part(part.root, other).prefix == part.prefix:
            yield f"{where} has the prefix {part.prefix}, which is that of {other}: choose another."
    for number, line in enumerate(part.text.splitlines(), 1):
        found = _TODO.search(line)
        if found is not None:
            yield f"{where}:{number} still has to be filled in: {found[0].strip()}"


def _oracles(part: Part) -> Iterator[str]:
    where, package = (SUITE / "drivers" / f"{part.id}.py").as_posix(), f"{SUITE.name}.oracles"
    named = set()
    for node in ast.walk(part.tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            asked = [f"{node.module}.{name.name}" for name in node.names] if node.module == package else [node.module]
            named |= {one.removeprefix(f"{package}.") for one in asked if one.startswith(f"{package}.")}
    for name in sorted(named):
        if not (part.root / SUITE / "oracles" / f"{name}.py").is_file():
            yield f"{(SUITE / 'oracles').as_posix()}/{name}.py is missing: {where} judges by it."
    says = {node.name for node in ast.walk(part.tree) if isinstance(node, ast.FunctionDef)}
    for method, what in JUDGED.items():
        if method in says and not named - {"lifecycle"}:
            yield f"{where} says {what} without an oracle: write oracles/{part.id}.py from the documents and ask that."


def _requirements(part: Part) -> Iterator[str]:
    path = part.root / "schemas" / part.id / "requirements.yaml"
    where = f"schemas/{part.id}/requirements.yaml"
    data = read_yaml(path) if path.is_file() else None
    if not isinstance(data, dict) or not data:
        missing = "says nothing" if path.is_file() else "is missing"
        yield f"{where} {missing}: list what the documents state, each with an id such as R-{part.prefix}-001."
        return
    for name, row in data.items():
        if not re.fullmatch(rf"R-{part.prefix}-\d{{3}}", str(name)):
            yield f"{where} has the id {name}: here they are R-{part.prefix}- and three digits."
        if not _is_row(row):
            yield f"{where} says of {name} other things than `says` and `untestable`, each a text: {row!r}."


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or "says" not in row or not row.keys() <= {"says", "untestable"}:
        return False
    return all(isinstance(value, str) and value.strip() for value in row.values())


def left_open(rows: Iterable[Covered]) -> list[str]:
    """Return which requirements nothing tries although it could be done."""
    return [
        f"{row.id} ({row.says}) is tried by nothing: name it in a promise or an x-source, or say why it is untestable."
        for row in rows
        if not row.by and not row.untestable
    ]


# ---- promises --------------------------------------------------------------------------------------------------------


def numbering(root: Path) -> list[str]:
    """Return what is wrong with the numbers and docstrings of promises, as their files have them."""
    found = [one for path in sorted((root / SUITE / "checks").glob("*.py")) for one in _numbered(path)]
    sentences = [f"{where} has no number in plain text: give it one." for number, where, _ in found if not number]
    sentences += [
        f"{where} ({number}) has no docstring: its first line is the promise."
        for number, where, says in found
        if not says.partition("\n")[0].strip()
    ]
    for number, times in Counter(number for number, _, _ in found if number).items():
        if times > 1:
            places = " and ".join(where for one, where, _ in found if one == number)
            sentences.append(f"{number} is the number of {places}: each promise needs its own.")
    return sentences


def _numbered(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield number, place and docstring of every check that is made a promise, once for each time it is."""
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    for check in (node for node in tree if isinstance(node, ast.FunctionDef)):
        for call in check.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "promise":
                first = call.args[0] if call.args else None
                number = first.value if isinstance(first, ast.Constant) else ""
                yield str(number), f"{path.name}:{check.lineno} {check.name}", ast.get_docstring(check) or ""


def citations(
    promises: Iterable[Promise], prefixes: Mapping[str, str], known: Mapping[str, frozenset[str]]
) -> list[str]:
    """Return what promises say of providers and requirements that are none.

    `prefixes` are the providers' own, `known` the requirement ids that their documents name.
    """
    return [sentence for promise in promises for sentence in _citations(promise, prefixes, known)]


def _citations(promise: Promise, prefixes: Mapping[str, str], known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for provider in sorted(promise.providers - prefixes.keys()):
        yield f"{promise.number} names {provider}, and there is no such provider: there are {', '.join(prefixes)}."
    for provider in promise.sources.keys() & prefixes.keys():
        family = f"R-{prefixes[provider]}-"
        if not promise.sources[provider]:
            yield f"{promise.number} names no source for {provider}: name one, or say under `assumed` what is assumed."
        for name in promise.sources[provider]:
            if not name.startswith(family):
                yield f"{promise.number} names {name} for {provider}, whose requirements are {family}…: move it."
            elif name not in known[provider]:
                yield f"{promise.number} names {name}, and no document in schemas/{provider}/ has such a requirement."


def ids_of(folder: Path) -> frozenset[str]:
    """Return the requirement ids that a provider's documents name, those written in short or as a range as well."""
    return frozenset(one for path in folder.iterdir() if path.is_file() for one in ids_in(path.read_text("utf-8")))


def ids_in(text: str) -> Iterator[str]:
    """Yield the ids in a text, such as three in `R-V2-044, 053 to 054`."""
    for family, numbers in _IDS.findall(text):
        first, *rest = _BETWEEN.split(re.sub(r" \([a-z]+\)", "", numbers))
        yield family + first
        last = int(first)
        for sign, number in zip(rest[::2], rest[1::2], strict=True):
            begin = last + 1 if sign.strip(", ") in _SPANS else int(number)
            yield from (f"{family}{one:03}" for one in range(begin, int(number) + 1))
            last = int(number)
