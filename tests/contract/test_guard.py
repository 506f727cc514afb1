"""The guard before a paid target: whatever is tried, no more is spent than was allowed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from soundstage.testing import Server
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Request
from soundstage_contracts.guard import Guard
from soundstage_contracts.verdict import NotTested, UnreachableError
from soundstage_contracts.wire import LiveSender
from support.guarded import APIKEY, CAP, CREATE, MIDSYNC, PROMPT, TEXT, TRICKS, World, create, raw, say, send


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(seed=7) as running:
        yield running


@pytest.fixture
def world(server: Server, request: pytest.FixtureRequest) -> Iterator[World]:
    yield (made := World(server, request.node.name))
    made.close()


@pytest.mark.parametrize("trick", TRICKS)
def test_what_can_be_read_in_two_ways_never_reaches_the_target(world: World, trick: str) -> None:
    account = world.account()
    head = dict(create(account).headers)
    with world.guard(cap=Decimal(10_000)) as guard:
        assert send(guard, create(account)) == (200, None)
        status, reason = say(guard, TRICKS[trick](guard, CREATE, TEXT, head))
        assert (status, bool(reason), guard.forwarded, guard.spent_at_most) == (599, True, 1, Decimal(10))
    assert world.spent(account) == 10


@pytest.mark.parametrize("provider", ["midsync", "revidapi", "v2gateway", "apikeyorg"])
def test_never_more_than_the_cap_is_spent_whatever_two_hundred_requests_try_at_once(
    world: World, provider: str
) -> None:
    driver, account = driver_of(provider), world.account(provider)
    with world.guard(driver) as guard:
        attempts = []
        for number in range(200):
            request = create(account, driver, number // 2 % len(driver.creations()))
            good = raw(guard, request.method, request.path, request.body, dict(request.headers))
            trick = list(TRICKS.values())[number // 2 % len(TRICKS)]
            text = request.body.decode("utf-8", "replace")
            hostile = trick(guard, request.path, text, dict(request.headers))
            attempts.append(good if number % 2 else hostile)
        with ThreadPoolExecutor(24) as pool:
            replies = list(pool.map(lambda data: say(guard, data), attempts))
        spent = world.spent(account)
        assert spent <= guard.spent_at_most <= CAP
        prices = [driver.worst_price(one.build(PROMPT)) for one in driver.creations()]
        assert (guard.spent_at_most > 0) is any(price is not None and price < CAP for price in prices)
        # Busy accounts refuse too; a refusal costs nothing and gives its credits back.
        assert {status for status, _ in replies} <= {200, 429, 599}
        assert guard.forwarded == sum(status in {200, 429} for status, _ in replies)
        if provider == "midsync":
            assert spent > CAP - 10


@pytest.mark.parametrize("provider", ["midsync", "revidapi", "apikeyorg"])
def test_every_documented_create_with_a_price_passes_where_it_can_be_paid_for(world: World, provider: str) -> None:
    driver, account = driver_of(provider), world.account(provider)
    with world.guard(driver, Decimal(10_000)) as guard:
        for number, creation in enumerate(driver.creations()):
            request = create(account, driver, number)
            price = driver.worst_price(request)
            unpriced = price is None or request.header("content-type") != "application/json"
            assert send(guard, request)[0] == (599 if unpriced else 200), creation.name
        assert world.spent(account) <= guard.spent_at_most


def test_read_only_spends_nothing_and_reads_everything(world: World) -> None:
    account = world.account()
    with world.guard(cap=Decimal(0)) as guard:
        assert send(guard, create(account)) == (599, "read-only")
        assert send(guard, MIDSYNC.authorize(MIDSYNC.front_door(), account.key, "bearer")) == (200, None)
        quote = MIDSYNC.authorize(MIDSYNC.quote(create(account)), account.key, "bearer")
        assert send(guard, quote) == (200, None)
        assert (guard.spent_at_most, guard.forwarded, guard.denied) == (Decimal(0), 2, {"read-only": 1})
    assert world.spent(account) == 0


def test_a_ceiling_of_nothing_is_believed_only_where_credits_may_be_spent(world: World) -> None:
    account = world.account("apikeyorg")
    body = {"model": "seedream-4", "n": 1, "resolution": "1k", "max_credits": 0, "prompt": PROMPT}
    request = APIKEY.authorize(Request.json("/v1/images/generations", body), account.key, "bearer")
    twice = replace(request, body=request.body[:-1] + b',"MAX_CREDITS":500}')
    with world.guard(APIKEY, Decimal(0)) as guard:
        assert send(guard, request) == (599, "read-only")
    with world.guard(APIKEY) as guard:
        assert send(guard, twice)[0] == 599
        assert send(guard, request) == (402, None)
    assert world.spent(account) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"model": "new-model", "prompt": PROMPT, "duration": 5},
        {"model": "kling-2.5-turbo", "prompt": PROMPT, "duration": 7},
    ],
)
def test_what_no_document_prices_is_kept_back(world: World, body: dict[str, Any]) -> None:
    account = world.account()
    with world.guard() as guard:
        request = MIDSYNC.authorize(Request.json(CREATE, body), account.key, "bearer")
        assert send(guard, request) == (599, "cannot be priced")
        assert guard.forwarded == 0


def test_a_task_id_may_have_any_plain_encoding_and_no_path_in_it(world: World) -> None:
    account = world.account()
    with world.guard() as guard:
        for name, status in (
            ("a%20b", 404),
            ("t%C3%A9", 404),
            ("a%2Fb", 599),
            ("..", 599),
            ("%2E%2E", 599),
            ("a%00", 599),
        ):
            asked = Request.get(f"/unified-video/{name}/status")
            assert send(guard, MIDSYNC.authorize(asked, account.key, "bearer"))[0] == status, name


def test_credits_come_back_only_when_the_target_says_for_certain_that_it_took_none(world: World) -> None:
    account = world.account()
    with world.guard() as guard:
        world.adapter.fault(account, "http/status", status=429)
        assert send(guard, create(account))[0] == 429
        assert guard.spent_at_most == 0
        for fault, more, status, spent in (
            ("http/status", {"status": 503}, 503, 10),
            ("transport/commit-then-lose", {}, 0, 20),
            ("transport/truncated-body", {}, 0, 30),
            ("http/malformed-json", {}, 200, 40),
        ):
            world.adapter.clear_faults(account)
            world.adapter.fault(account, fault, **more)
            assert send(guard, create(account))[0] == status, fault
            assert guard.spent_at_most == spent, fault
        assert world.spent(account) == 30


def test_a_target_that_stays_silent_keeps_the_credits(world: World) -> None:
    account = world.account()
    world.adapter.fault(account, "transport/never-answers")
    with world.guard(timeout=0.2) as guard:
        assert send(guard, create(account)) == (0, None)
        assert guard.spent_at_most == 10


def test_a_price_above_the_documents_stops_everything_that_costs(world: World) -> None:
    account = world.account()
    world.adapter.fault(account, "money/price-change")
    with world.guard() as guard:
        assert send(guard, create(account))[0] == 200
        (surprise,) = guard.surprises
        assert "where the documents allow 10" in surprise
        assert guard.spent_at_most == world.spent(account) > 10
        assert send(guard, create(account)) == (599, "the target charged more than documented")
        assert send(guard, MIDSYNC.authorize(MIDSYNC.front_door(), account.key, "bearer"))[0] == 200


def test_the_run_ends_with_its_requests_its_time_or_a_word(world: World) -> None:
    door = MIDSYNC.authorize(MIDSYNC.front_door(), world.account().key, "bearer")
    with world.guard(max_requests=1) as guard:
        assert [send(guard, door)[1] for _ in range(2)] == [None, "over the cap of requests"]
    with world.guard(deadline_seconds=0) as guard:
        assert send(guard, door)[1] == "past the deadline"
    with world.guard() as guard:
        guard.stop()
        assert (send(guard, door)[1], guard.denied) == ("stopped", {"stopped": 1})


def test_only_the_operations_on_the_list_pass(world: World) -> None:
    account = world.account()
    with world.guard(allow={"listModels"}) as guard:
        assert send(guard, create(account))[1] == "not on the allow-list"
        assert send(guard, MIDSYNC.authorize(MIDSYNC.front_door(), account.key, "bearer"))[0] == 200


def test_the_suite_takes_a_denial_for_not_tested_and_a_silent_target_for_unreachable(world: World) -> None:
    account = world.account()
    with world.guard(cap=Decimal(0)) as guard:
        sender = LiveSender(guard.url)
        with pytest.raises(NotTested, match="read-only"):
            sender.send(create(account))
        sender.close()
    with Guard("http://127.0.0.1:1", MIDSYNC) as guard:
        sender = LiveSender(guard.url)
        with pytest.raises(UnreachableError):
            sender.send(MIDSYNC.front_door())
        sender.close()
