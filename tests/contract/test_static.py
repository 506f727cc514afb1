"""The documents' own layer: sound documents pass, and each kind of damage is named by the rule that is for it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from soundstage_contracts.documents import document, providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.layers.static import Documents, judged, static
from soundstage_contracts.oracles import midsync, revidapi
from soundstage_contracts.verdict import Verdict

Damage = Callable[[Documents], Any]
REPLY = ("paths", "/unified-video/quote", "post", "responses", "200", "content", "application/json")


def documents(provider: str = "midsync") -> Documents:
    return Documents(provider, *(deepcopy(document(provider, name)) for name in ("openapi", "lifecycle", "catalogue")))


def differences(provider: str, catalogue: dict[str, Any]) -> list[str]:
    return list(driver_of(provider).price_differences(catalogue))


def inside(node: Any, *names: str) -> Any:
    for name in names:
        node = node[name]
    return node


def add_state(read: Documents) -> None:
    read.lifecycle["states"]["paused"] = {"terminal": False, "source": ["R-MID-130"]}


DAMAGES: dict[str, tuple[str, Damage]] = {
    "no title": ("DOC-901", lambda read: read.openapi["info"].pop("title")),
    "an unknown kind of parameter": (
        "DOC-901",
        lambda read: read.openapi["components"]["parameters"]["From"].update({"in": "body"}),
    ),
    "an example with a text for a number": (
        "DOC-902",
        lambda read: inside(read.openapi, *REPLY, "examples", "seedance", "value").update(pointsCharged="20"),
    ),
    "an example without a required field": (
        "DOC-902",
        lambda read: inside(read.openapi, *REPLY, "examples", "runway", "value").pop("model"),
    ),
    "an operation from nowhere": (
        "DOC-903",
        lambda read: read.openapi["paths"]["/unified-video/models"]["get"].pop("x-source"),
    ),
    "an unknown first state": ("DOC-904", lambda read: read.lifecycle.update(initial="born")),
    "a core state without a word": ("DOC-904", lambda read: read.lifecycle["from_core"].pop("cancelled")),
    "a state that nothing leads to": ("DOC-904", add_state),
    "a terminal state that is left": (
        "DOC-904",
        lambda read: read.lifecycle["moves"].append({"from": "failed", "to": "processing", "source": ["x"]}),
    ),
    "another end than the suite knows": (
        "DOC-905",
        lambda read: read.lifecycle["moves"][0].update(to="completed"),
    ),
    "a price from nowhere": (
        "DOC-906",
        lambda read: read.catalogue["models"]["runway"]["price"]["rows"][0].pop("source"),
    ),
    "a wrong price": (
        "DOC-907",
        lambda read: read.catalogue["models"]["runway"]["price"]["rows"][0].update(points=11),
    ),
    "a price for what is not offered": (
        "DOC-907",
        lambda read: read.catalogue["models"]["runway"]["price"]["rows"].append(
            {"when": {"quality": "1080p", "duration": 10}, "points": 50, "assumed": True}
        ),
    ),
}


@pytest.mark.parametrize("provider", providers())
def test_the_documents_as_they_are_keep_every_rule(provider: str) -> None:
    results = list(static(provider))
    assert {one.verdict for one in results} == {Verdict.PASS}, [one.says for one in results]
    assert len({one.id for one in results}) == len(results) == 9


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_by_its_rule(name: str) -> None:
    wanted, damage = DAMAGES[name]
    read = documents()
    damage(read)
    broken = {one.id: one for one in judged(read) if one.verdict is Verdict.FAIL}
    assert f"MID-{wanted}" in broken
    assert broken[f"MID-{wanted}"].says


def test_every_published_price_of_midsync_is_compared_and_named() -> None:
    for cell in midsync.CELLS:
        catalogue = documents().catalogue
        price = catalogue["models"][cell.fields["model"]]["price"]
        if price["kind"] == "formula":
            price["base"][cell.fields["resolution"]] += 1
        else:
            wanted = {name: cell.fields.get(name) for name in price["by"]}
            next(row for row in price["rows"] if row["when"] == wanted)["points"] += 1
        assert any(cell.name in said for said in differences("midsync", catalogue)), cell.name


def test_every_published_price_of_revidapi_is_compared_and_named() -> None:
    for cell in revidapi.CELLS:
        catalogue = documents("revidapi").catalogue
        for row in catalogue["models"][cell.fields["model"]]["rows"]:
            row["credits"] += 1
        assert any(said.startswith(f"{cell.name} costs {cell.credits}") for said in differences("revidapi", catalogue))


def test_a_price_outside_a_published_range_is_named_by_its_row() -> None:
    catalogue = documents("revidapi").catalogue
    catalogue["models"]["veo3.1-low"]["rows"][0]["credits"] = 1000
    assert any("veo3.1-low" in said and "1000" in said for said in differences("revidapi", catalogue))
