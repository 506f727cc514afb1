"""Every documented exchange is answered as documented: same status, same keys or shape, same fixed fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import OpenStage
from support.judge import midsync

FOLDER = Path(__file__).parents[2] / "fixtures" / "midsync"
FIXTURES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def same_keys(documented: Any, came: Any) -> None:
    """Assert that two objects have the same keys; what an object keyed by data holds is not looked at."""
    assert came.keys() == documented.keys()


def same_shape(documented: Any, came: Any, where: str = "$") -> None:
    """Assert that two values have the same keys and kinds all the way down; arrays by their first items."""
    if isinstance(documented, dict):
        assert isinstance(came, dict), where
        assert came.keys() == documented.keys(), where
        for name, value in documented.items():
            same_shape(value, came[name], f"{where}.{name}")
    elif isinstance(documented, list):
        assert isinstance(came, list), where
        assert came, f"{where} is empty, so it shows nothing"
        same_shape(documented[0], came[0], f"{where}[0]")
    elif isinstance(documented, int | float) and not isinstance(documented, bool):
        assert isinstance(came, int | float), where
        assert not isinstance(came, bool), where
    else:
        assert type(came) is type(documented), where


def as_documented(rows: Any) -> Any:
    """Put a token row first where there are rows: that is the kind the document shows."""
    if isinstance(rows, dict) and isinstance(rows.get("logs"), list):
        rows["logs"].sort(key=lambda row: row.get("usage", 0) is None)
    return rows


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: str(fixture["id"]))
async def test_a_documented_exchange_is_answered_as_documented(open_stage: OpenStage, fixture: dict[str, Any]) -> None:
    house = await open_stage(history=40)
    request, response = fixture["request"], fixture["response"]
    answer = await house.client().call(
        request["method"],
        request["path"],
        body=request.get("body"),
        query=request.get("query"),
        landing=request["auth"] == "api_key",
    )
    assert answer.status == response["status"], answer.raw
    compare = {"keys": same_keys, "shape": same_shape}[fixture["compare"]]
    compare(response["body"], as_documented(answer.body))
    for name, value in fixture["fields"].items():
        assert answer[name] == value, name


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: str(fixture["id"]))
def test_a_documented_reply_fits_the_document(fixture: dict[str, Any]) -> None:
    request, response = fixture["request"], fixture["response"]
    midsync().check(request["method"], request["path"], response["status"], "application/json", response["body"])
    assert fixture["requirements"]


def test_there_are_fixtures_to_replay() -> None:
    assert len(FIXTURES) >= 7
