"""What drivers read from replies: numbers that are numbers, and tasks wherever there are, whatever a target sends."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from soundstage_contracts.documents import providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import amount
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.verdict import Broken

ODD: tuple[Any, ...] = (None, True, 10**400, -1, 1e308, "", "x", "9" * 400, [], [None], {}, {"url": []}, [{"url": {}}])
FIELDS = (
    *(
        "task_id",
        "taskId",
        "job_id",
        "status",
        "progress",
        "error",
        "result",
        "output",
        "output_urls",
        "assets",
        "data",
    ),
    *("created_at", "completed_at", "submit_time", "start_time", "finish_time", "fail_reason"),
)
TASK: dict[str, Any] = {"task_id": "t", "taskId": "t", "job_id": "t", "status": "x", "progress": "1%"} | dict.fromkeys(
    ("submit_time", "start_time", "finish_time"), 1_800_000_000
)


@pytest.mark.parametrize(
    ("text", "credits_"), [("20", "20"), ("0.1", "0.1"), ("3.0", "3"), ("123456.789012", "123456.789012")]
)
def test_a_number_of_credits_is_read_exactly(text: str, credits_: str) -> None:
    assert amount(json.loads(text)) == Decimal(credits_)


@pytest.mark.parametrize("text", ['"20"', "true", "null", "[20]", "NaN", "Infinity", "-Infinity"])
def test_whatever_is_no_number_is_no_amount(text: str) -> None:
    with pytest.raises(Broken, match="credits should be a number"):
        amount(json.loads(text))


@pytest.mark.parametrize(("provider", "body"), [("midsync", {"pointsCharged": "10"}), ("apikeyorg", {"credits": "10"})])
def test_a_quote_whose_price_is_a_text_is_broken(provider: str, body: dict[str, str]) -> None:
    with pytest.raises(Broken):
        driver_of(provider).quoted(Reply(200, (), json.dumps(body).encode()))


@pytest.mark.parametrize("provider", providers())
@pytest.mark.parametrize("name", FIELDS)
def test_a_poll_of_any_shape_is_looked_at_without_an_error(provider: str, name: str) -> None:
    driver = driver_of(provider)
    request = driver.poll("t", driver.creations()[0])
    for value in ODD:
        driver.task_seen(request, Reply(200, (), json.dumps(TASK | {name: value}).encode()))
    assert driver.task_seen(request, Reply(200, (), json.dumps(TASK).encode())) is not None


@pytest.mark.parametrize("provider", providers())
def test_only_an_answered_poll_shows_a_task(provider: str) -> None:
    driver = driver_of(provider)
    request = driver.poll("t", driver.creations()[0])
    reply = json.dumps(TASK).encode()
    assert driver.is_poll(request)
    assert driver.task_seen(request, Reply(404, (), reply)) is None
    assert driver.task_seen(Request("POST", request.path), Reply(200, (), reply)) is None
    assert not any(driver.is_poll(one.build("x")) for one in driver.creations())


@pytest.mark.parametrize("name", ["base", "samples", "excuses", "nobody", ""])
def test_a_name_that_is_no_providers_has_no_driver(name: str) -> None:
    with pytest.raises(KeyError):
        driver_of(name)
