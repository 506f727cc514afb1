"""Faults of money: what a client is shown and what is really charged part ways, and the ledger tells the truth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.client import House
from support.faulty import APPLIED, CALLBACK_URL, CALLERS, CREATE, PROVIDERS, WORDS, Side, reason, side
from support.receiver import Receiver

PRICED = ("midsync", "apikeyorg", "revidapi")
QUOTES = {
    "midsync": ("/unified-video/quote", "pointsCharged", CREATE["midsync"][1]),
    "apikeyorg": ("/v1/credits/estimate", "credits", {"model": "seedance-2", "duration": 5}),
}


async def wallet(one: Side) -> tuple[Any, ...]:
    """Return what the wallet has available, held and spent; the books must balance."""
    await one.admin.sound()
    sums = await one.admin.wallet()
    return tuple(sums[name] for name in ("available", "held", "spent"))


async def price_of(one: Side) -> Any:
    """Return what the usual request reserves, and forget it."""
    await one.made()
    _, held, _ = await wallet(one)
    await one.admin.post("/reset", {"what": "state"})
    return held


@pytest.mark.parametrize("provider", ["midsync", "apikeyorg"])
async def test_a_quote_shows_another_price_than_the_create_charges(stage: House, provider: str) -> None:
    one = side(stage, provider)
    path, field, body = QUOTES[provider]
    honest = (await one.call("POST", path, body)).exact[field]
    await one.rule("money/quote-wrong", factor=0.25)
    wrong = await one.call("POST", path, body)
    assert wrong.exact[field] == honest / 4
    assert wrong.headers[APPLIED] == "money/quote-wrong"
    created = await (one.create(duration=5) if provider == "apikeyorg" else one.create())
    assert APPLIED not in created.headers
    assert (await wallet(one))[1] == honest


async def test_a_wrong_quote_can_be_asked_for_by_one_that_sends_no_key(stage: House) -> None:
    path, field, body = QUOTES["apikeyorg"]
    async with stage.http.post(f"{stage.url}/apikeyorg{path}", json=body) as reply:
        honest = (await reply.json())[field]
    headers = {"X-Soundstage-Fault": "money/quote-wrong;factor=2"}
    async with stage.http.post(f"{stage.url}/apikeyorg{path}", json=body, headers=headers) as reply:
        assert (await reply.json())[field] == 2 * honest


async def test_a_create_charges_more_than_its_reply_shows(stage: House) -> None:
    one = side(stage, "midsync")
    price = await price_of(one)
    await one.rule("money/overcharge", factor=1.5)
    answer = await one.create()
    assert answer.exact["pointsCharged"] == price
    assert answer.headers[APPLIED] == "money/overcharge"
    assert (await wallet(one))[1] == price * Decimal("1.5")
    await one.admin.advance()
    assert (await wallet(one))[2] == price * Decimal("1.5")
    logs = await one.call("GET", "/v1/usage/logs")
    assert logs.exact["logs"][0]["pointsCharged"] == price * Decimal("1.5")


async def test_the_balance_of_an_overcharging_create_tells(stage: House) -> None:
    one = side(stage, "revidapi")
    price = await price_of(one)
    answer = await one.create("money/overcharge")
    assert answer.exact["cost"] == price
    assert answer.exact["balance_remaining"] == 1000 - 2 * price
    assert (await one.call("GET", "/v1/balance")).exact["balance"] == 1000 - 2 * price
    assert (await wallet(one))[:2] == (1000 - 2 * price, 2 * price)


async def test_an_overcharged_task_settles_in_proportion_to_what_was_made(stage: House) -> None:
    one = side(stage, "apikeyorg")
    usual = await one.made()
    await one.admin.advance()
    honest = (await one.poll(usual))["credits"]
    await one.admin.post("/reset", {"what": "state"})
    task_id = await one.made("money/overcharge;factor=2")
    assert task_id == usual
    await one.admin.advance()
    billed = (await one.poll(task_id))["credits"]
    assert billed == {name: 2 * amount for name, amount in honest.items()}
    assert (await wallet(one))[2] == Decimal(str(billed["charged"]))


@pytest.mark.parametrize("provider", PRICED)
async def test_the_charge_never_exceeds_what_the_wallet_has(stage: House, provider: str) -> None:
    one = Side(stage, provider, "sk_test_nearly_broke")
    price = await price_of(side(stage, provider))
    await stage.anybody().register(provider, key=one.key, balance=str(price + 1))
    await one.made("money/overcharge;factor=100")
    assert (await wallet(one))[:2] == (0, price + 1)
    await one.admin.advance()
    assert (await one.admin.wallet())["held"] == 0
    await one.admin.sound()


@pytest.mark.parametrize("provider", ["midsync", "revidapi"])
@pytest.mark.parametrize("factor", ["1.5", "0.5"])
async def test_a_price_has_drifted_and_the_create_says_so(stage: House, provider: str, factor: str) -> None:
    one = side(stage, provider)
    price = await price_of(one)
    answer = await one.create(f"money/price-change;factor={factor}")
    shown = answer.exact["pointsCharged" if provider == "midsync" else "cost"]
    assert shown == price * Decimal(factor)
    assert (await wallet(one))[1] == shown
    await one.admin.advance()
    assert (await wallet(one))[2] == shown


async def test_a_drifted_price_differs_from_the_quote(stage: House) -> None:
    one = side(stage, "apikeyorg")
    path, field, body = QUOTES["apikeyorg"]
    await one.rule("money/price-change", factor=1.25)
    quoted = (await one.call("POST", path, body)).exact[field]
    await one.made(duration=5)
    assert (await wallet(one))[1] == quoted * Decimal("1.25")


@pytest.mark.parametrize("fault", ["money/overcharge", "money/price-change"])
async def test_where_no_price_is_ever_shown_none_changes(stage: House, fault: str) -> None:
    one = side(stage, "v2gateway")
    price = await price_of(one)
    answer = await one.create(fault)
    assert answer.headers["X-Soundstage-Warning"].startswith(f"{fault} changes nothing here: /v2 gateway does not say")
    assert "X-Soundstage-Fault-Applied" not in answer.headers
    assert (await wallet(one))[1] == price


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_failed_task_stays_charged(stage: House, provider: str) -> None:
    one = side(stage, provider)
    price = await price_of(one)
    task_id = await one.made('money/charged-though-failed;reason="out of memory"')
    await one.admin.advance()
    body = await one.poll(task_id)
    assert (body["status"], reason(provider, body)) == (WORDS[provider][3], "out of memory")
    assert await wallet(one) == (1000 - price, 0, price)
    assert "do not come back" in (await one.admin.get(f"/tasks/{task_id}"))["explanation"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_failed_task_is_refunded_late(stage: House, provider: str, receiver: Receiver) -> None:
    one = side(stage, provider)
    price = await price_of(one)
    hook = {CALLBACK_URL[provider]: receiver.url} if provider in CALLERS else {}
    task_id = await one.made("money/refund-late;seconds=7200", **hook)
    ends = (await one.offsets(task_id))[-1][0]
    await one.admin.advance(seconds=ends / 1000)
    assert await one.status(task_id) == WORDS[provider][3]
    assert await wallet(one) == (1000 - price, price, 0)
    task = await one.admin.get(f"/tasks/{task_id}")
    assert Decimal(task["cost"]) == price
    assert "its credits come back late, at " in task["explanation"]
    assert len(receiver.got) == (1 if hook else 0)
    await one.admin.advance(seconds=7199.999)
    assert (await wallet(one))[1] == price
    await one.admin.advance(seconds=0.001)
    assert await wallet(one) == (1000, 0, 0)
    # The refund is no second end: nobody is called back again.
    await one.admin.advance()
    assert len(receiver.got) == (1 if hook else 0)
    assert (await one.admin.get(f"/tasks/{task_id}"))["ledger"][-1]["kind"] == "release"


async def test_a_client_sees_a_late_refund_as_charged_until_it_comes(stage: House) -> None:
    one = side(stage, "apikeyorg")
    task_id = await one.made("money/refund-late;seconds=60")
    ends = (await one.offsets(task_id))[-1][0]
    await one.admin.advance(seconds=ends / 1000)
    failed = (await one.poll(task_id))["credits"]
    assert failed["charged"] == failed["reserved"] > 0
    await one.admin.advance(seconds=60)
    assert (await one.poll(task_id))["credits"]["charged"] == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_failed_task_is_refunded_twice(stage: House, provider: str) -> None:
    one = side(stage, provider)
    price = await price_of(one)
    task_id = await one.made("money/refund-twice")
    await one.admin.advance()
    assert await one.status(task_id) == WORDS[provider][3]
    assert await wallet(one) == (1000 + price, 0, 0)
    entries = (await one.admin.get("/ledger"))["entries"]
    assert [Decimal(entry["amount"]) for entry in entries if "once more" in entry.get("note", "")] == [price]


@pytest.mark.parametrize("fault", ["charged-though-failed", "refund-late", "refund-twice"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_task_completed_by_hand_is_paid_whatever_was_to_become_of_its_refund(
    stage: House, provider: str, fault: str
) -> None:
    one = side(stage, provider)
    task_id = await one.made(f"money/{fault}")
    await one.admin.post(f"/tasks/{task_id}/complete")
    await one.admin.advance()
    assert await one.status(task_id) == WORDS[provider][2]
    available, held, spent = await wallet(one)
    assert (available + spent, held) == (1000, 0)
    assert spent > 0


@pytest.mark.parametrize(("fault", "left"), [("charged-though-failed", -1), ("refund-late", 0), ("refund-twice", 1)])
async def test_a_waiting_job_that_is_cancelled_gets_the_same_refund_as_a_failed_one(
    stage: House, fault: str, left: int
) -> None:
    one = side(stage, "revidapi")
    price = await price_of(one)
    job = await one.made(f"money/{fault}")
    assert (await one.call("POST", f"/v1/jobs/{job}/cancel")).status == 200
    await one.admin.advance()
    assert (await wallet(one))[0] == 1000 + left * price
    assert await one.status(job) == "cancelled"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_credits_are_said_to_be_lacking_in_the_providers_own_words(stage: House, provider: str) -> None:
    one, broke = side(stage, provider), Side(stage, provider, "sk_test_really_broke")
    refusal = await broke.create()
    assert refusal.status == 402
    await one.rule("money/insufficient-credit", {"nth": 2})
    first, second, third = [await one.create() for _ in range(3)]
    assert (first.status, second.status, third.status) == (200, 402, 200)
    assert second.body == refusal.body
    assert second.headers[APPLIED] == "money/insufficient-credit"
    assert APPLIED not in first.headers
    assert APPLIED not in third.headers
    assert len(await one.admin.tasks()) == 2
    await one.admin.advance()
    available, held, spent = await wallet(one)
    assert (available + spent, held) == (1000, 0)


async def test_an_answer_by_token_can_lack_credits_as_well_and_leaves_no_trace(stage: House) -> None:
    client = stage.gateway()
    first = await client.chat("hello")
    await stage.admin().post("/faults", {"fault": "money/insufficient-credit", "with": {}, "when": {"first": 1}})
    body: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]}
    refused = await client.post("/v1/chat/completions", body)
    assert (refused.status, refused["error"]["code"]) == (402, "insufficient_credits")
    again = await client.chat("hello")
    assert again["choices"] == first["choices"]
    available = await stage.admin().balance()
    assert (await stage.admin().wallet())["spent"] == 1000 - available
    await stage.admin().sound()


async def test_a_request_the_provider_would_refuse_anyway_is_refused_for_its_own_fault(stage: House) -> None:
    one = side(stage, "midsync")
    answer = await one.create("money/insufficient-credit", duration=99)
    assert answer.status == 400


async def test_an_explanation_tells_what_would_have_been_charged(stage: House) -> None:
    one = side(stage, "midsync")
    price = await price_of(one)
    task_id = (await one.create("money/price-change;factor=2"))["taskId"]
    told = (await one.admin.get(f"/tasks/{task_id}"))["explanation"]
    assert f"Without a fault {price} would have been reserved, not {2 * price}." in told


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("money/overcharge;factor=1", "factor"),
        ("money/refund-late;seconds=-1", "seconds"),
        ("money/price-change;factor=NaN", "factor"),
        ("task/fail;at=soon", "at"),
        ("task/slow;factor=0", "factor"),
        ("task/unknown-status;while=never", "while"),
        ("files/truncated;share=1", "share"),
    ],
)
async def test_a_parameter_out_of_bounds_is_named_and_nothing_is_bent(stage: House, fault: str, problem: str) -> None:
    one = side(stage, "midsync")
    answer = await one.create(fault)
    assert answer.status == 200
    assert APPLIED not in answer.headers
    assert problem in answer.headers["X-Soundstage-Warning"]
