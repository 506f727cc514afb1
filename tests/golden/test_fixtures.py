"""Every documented exchange is answered as documented: same status, same keys or shape, same fixed fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import OpenStage
from soundstage.providers import provider_ids
from support import judge
from support.client import Answer, Client, House

FOLDER = Path(__file__).parents[2] / "fixtures"
FIXTURES = [
    {"provider": path.parent.name, **json.loads(path.read_text(encoding="utf-8"))}
    for path in sorted(FOLDER.glob("*/*.json"))
    if path.parent.name in provider_ids()
]


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


def client_of(house: House, provider: str, auth: str) -> tuple[Client, dict[str, str]]:
    """Return a client that authenticates the way a fixture says, and the headers it needs for that."""
    key = house.key if auth in {"bearer", "api_key"} else None
    client = Client(house.http, f"{house.url}/{provider}", key, provider)
    return client, {"x-api-key": house.key} if auth == "x-api-key" else {}


async def send(house: House, provider: str, request: dict[str, Any], path: str | None = None) -> Answer:
    """Send a fixture's request."""
    client, headers = client_of(house, provider, request["auth"])
    return await client.call(
        request["method"],
        path or request["path"],
        body=request.get("body"),
        query=request.get("query"),
        headers=headers,
        landing=request["auth"] == "api_key",
    )


async def prepare(house: House, fixture: dict[str, Any]) -> str:
    """Make the world a fixture supposes and return the path to call, with the id of what was made for it.

    `balance`: credits of the key. `before`: a request whose reply's fields replace what `take` says stands for them in
    the path. `advance`: seconds that pass after it.
    """
    setup, path = fixture.get("setup", {}), str(fixture["request"]["path"])
    if "balance" in setup:
        await house.admin().register(fixture["provider"], key=house.key, balance=setup["balance"])
    if "before" in setup:
        made = await send(house, fixture["provider"], setup["before"])
        assert made.status == 200, made.raw
        for name, placeholder in setup.get("take", {"task_id": "task_abc123"}).items():
            assert placeholder in path, f"{placeholder} stands for {name} and is not in the path"
            path = path.replace(placeholder, str(made[name]))
    if "advance" in setup:
        await house.admin().advance(seconds=setup["advance"])
    return path


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: f"{fixture['provider']}-{fixture['id']}")
async def test_a_documented_exchange_is_answered_as_documented(open_stage: OpenStage, fixture: dict[str, Any]) -> None:
    house = await open_stage(history=40 if fixture["provider"] == "midsync" else 0)
    response = fixture["response"]
    answer = await send(house, fixture["provider"], fixture["request"], await prepare(house, fixture))
    assert answer.status == response["status"], answer.raw
    compare = {"keys": same_keys, "shape": same_shape}[fixture["compare"]]
    compare(response["body"], as_documented(answer.body))
    for name, value in fixture["fields"].items():
        assert answer[name] == value, name


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: f"{fixture['provider']}-{fixture['id']}")
def test_a_documented_reply_fits_the_document(fixture: dict[str, Any]) -> None:
    request, response = fixture["request"], fixture["response"]
    judge.of(fixture["provider"]).check(
        request["method"],
        request["path"],
        response["status"],
        "application/json",
        json.dumps(response["body"]).encode(),
    )
    assert fixture["requirements"]


def test_there_are_fixtures_to_replay_for_every_provider() -> None:
    assert {fixture["provider"] for fixture in FIXTURES} == set(provider_ids())
    assert len(FIXTURES) >= 13
