"""Money: what is quoted is charged, once, by every way to see it; who cannot pay gets nothing and loses nothing."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

from soundstage_contracts.adapters.base import Account
from soundstage_contracts.checks.creation_cases import with_quote
from soundstage_contracts.exchange import Request
from soundstage_contracts.promise import promise
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started
from soundstage_contracts.verdict import NotApplicable, NotTested, expect
from soundstage_contracts.walking import creations

QUOTED = {"midsync": "R-MID-074 R-MID-085 R-MID-133", "apikeyorg": "R-KEY-035 R-KEY-048"}
CHARGED = {
    "midsync": "R-MID-085 R-MID-133",
    "revidapi": "R-REV-031 R-REV-032 R-REV-033",
    "apikeyorg": "R-KEY-048",
}
UNPRICED = {"v2gateway": "no prices are published; only the ledger shows them (D7)"}
UNWRITTEN = {
    "midsync": "what a refusal for lack of points looks like (R-MID-135)",
    "revidapi": "402 is the parent brand's word (R-REV-220)",
    "apikeyorg": "the code is documented, its HTTP status is not (R-KEY-071)",
    **UNPRICED,
}


def glance(stage: Stage, account: Account) -> dict[str, Decimal]:
    """Return what every way to see an account's money says, so that each figure falls by what a task takes.

    The ledger through the adapter, the balance and the sum of charges by the provider's own endpoints; it may be none.
    """
    seen: dict[str, Decimal] = {}
    if stage.target.adapter is not None:
        books = stage.books(account)
        whole = books.available + books.held + books.spent
        expect(whole == books.issued, f"the ledger holds {whole} credits and was given {books.issued}")
        expect(min(books.available, books.held, books.spent) >= 0, f"the ledger goes below zero: {books}")
        seen["ledger"] = books.available
    # What the provider does not show is no fault of the target.
    with suppress(NotApplicable):
        seen["balance"] = stage.driver.balance(stage, account)
        expect(seen["balance"] >= 0, f"the balance is {seen['balance']}")
    with suppress(NotApplicable):
        seen["usage"] = -stage.driver.charged(stage, account)
    return seen


def purse(stage: Stage, account: Account) -> dict[str, Decimal]:
    """Return what a glance shows; raises NotTested where it shows nothing."""
    seen = glance(stage, account)
    if not seen:
        raise NotTested("nothing shows this provider's money but the ledger, and there is no adapter")
    return seen


def lost(before: dict[str, Decimal], after: dict[str, Decimal]) -> dict[str, Decimal]:
    """Return by how much each figure of a purse fell."""
    return {name: before[name] - after[name] for name in before}


def takes(before: dict[str, Decimal], after: dict[str, Decimal], price: Decimal, when: str) -> None:
    """Raise Broken unless every figure of a purse fell by exactly the price."""
    for name, amount in lost(before, after).items():
        expect(amount == price, f"{when}, the {name} has lost {amount} and should have lost {price}")


def price_of(stage: Stage, name: str) -> Decimal:
    """Return what a creation really takes from an account of its own, more than nothing; raises Broken for nothing."""
    account = stage.account()
    stage.start(account, name)
    price = stage.taken(account)
    expect(price > 0, f"{name} takes {price} credits")
    return price


def says_its_price(stage: Stage, task: Started, price: Decimal, left: Decimal | None) -> None:
    """Raise Broken unless what the create's reply and the documents say of the price is this price."""
    created, published = task.created, stage.driver.price(task.request)
    if created.price is not None:
        expect(created.price == price, f"the create says {created.price} and takes {price}")
    if created.balance_left is not None and left is not None:
        expect(created.balance_left == left, f"the create says {created.balance_left} are left, and {left} are")
    # Tables may lag behind live prices (R-REV-172).
    if published is not None and stage.assumptions:
        kept = published.least <= price <= published.most
        expect(kept, f"it takes {price}; {published.source} says {published.least} to {published.most}")


def nothing_made(stage: Stage, account: Account) -> None:
    """Raise Broken when something is about to happen in an account where no task may be."""
    if stage.target.adapter is not None:
        expect(not stage.step(account), "a task is under way although none was made")


@promise(
    "MONEY-001",
    QUOTED,
    assumed={
        "midsync": "that the charge is what the quote said is an inference (R-MID-074)",
        "apikeyorg": "what an estimate answers is unpublished (R-KEY-036)",
    },
    each=with_quote,
)
def quote_is_charge(stage: Stage, name: str) -> None:
    """A quote, the price the create shows and what the account loses are one amount."""
    account = stage.account()
    creation = stage.creation(name)
    quoted = stage.driver.quoted(stage.answered(stage.driver.quote(creation.build(PROMPT)), account))
    before = purse(stage, account)
    task = stage.start(account, creation)
    if task.created.price is not None:
        expect(task.created.price == quoted, f"the quote says {quoted}, the create {task.created.price}")
    takes(before, purse(stage, account), quoted, "after the create")


@promise("MONEY-002", CHARGED, assumed=UNPRICED, each=creations)
def taken_once(stage: Stage, name: str) -> None:
    """A task takes its price once, at its creation, and nothing more until it has succeeded and afterwards."""
    account = stage.account()
    before = purse(stage, account)
    task = stage.start(account, name)
    after = purse(stage, account)
    price = next(iter(lost(before, after).values()))
    expect(price > 0, f"{name} takes {price} credits")
    says_its_price(stage, task, price, after.get("balance", after.get("ledger")))
    takes(before, after, price, "after the create")
    life = stage.driver.life
    if stage.target.adapter is not None:
        stage.until(task, life.running)
        takes(before, purse(stage, account), price, "while the task runs")
    state = stage.follow(task)[-1].state
    expect(state == life.success, f"the task should succeed, and is {state}")
    takes(before, purse(stage, account), price, "after the task's success")
    if stage.target.adapter is not None:
        stage.pass_seconds(7200, account)
        stage.poll(task)
        takes(before, purse(stage, account), price, "two hours after the task's success")
        held = stage.books(account).held
        expect(held == 0, f"{held} credits are still held for a task that has succeeded")


@promise(
    "MONEY-003",
    {"midsync": "R-MID-023 R-MID-024 R-MID-073", "apikeyorg": "R-KEY-021 R-KEY-032"},
    each=with_quote,
)
def quote_is_free(stage: Stage, name: str) -> None:
    """A quote takes nothing and creates nothing, however often it is asked."""
    account = stage.account()
    before = purse(stage, account)
    quote = stage.driver.quote(stage.creation(name).build(PROMPT))
    for _ in range(3):
        stage.answered(quote, account)
    takes(before, purse(stage, account), Decimal(0), "after three quotes")
    nothing_made(stage, account)


@promise("MONEY-004", CHARGED, assumed=UNPRICED, each=creations)
def price_is_steady(stage: Stage, name: str) -> None:
    """The same request costs the same each time, and its quote, as we read it, says the same all the while."""
    account = stage.account()
    creation = stage.creation(name)
    prices, quotes = [], []
    before = purse(stage, account)
    for _ in range(3):
        if name in with_quote(stage.driver) and stage.assumptions:
            asked = stage.driver.quote(creation.build(PROMPT))
            quotes.append(stage.driver.quoted(stage.answered(asked, account)))
        task = stage.start(account, creation)
        after = purse(stage, account)
        prices.append(next(iter(lost(before, after).values())))
        says_its_price(stage, task, prices[-1], after.get("balance", after.get("ledger")))
        before = after
    expect(len({*prices, *quotes}) == 1, f"three equal requests took {prices}; their quotes were {quotes}")


@promise("MONEY-005", {"apikeyorg": "R-KEY-070"}, assumed=UNWRITTEN, each=creations)
def too_little(stage: Stage, name: str) -> None:
    """Who has one credit too few is refused, and nothing is taken or made."""
    price = price_of(stage, name)
    account = stage.account(balance=price - 1)
    before = purse(stage, account)
    stage.refused(stage.creation(name).build(PROMPT), "credits", account)
    takes(before, purse(stage, account), Decimal(0), "after the refusal")
    nothing_made(stage, account)


@promise("MONEY-006", CHARGED, assumed=UNPRICED, each=creations)
def just_enough(stage: Stage, name: str) -> None:
    """Who has exactly the price can pay it, has nothing left then, and cannot pay again."""
    price = price_of(stage, name)
    account = stage.account(balance=price)
    before = purse(stage, account)
    stage.start(account, name)
    after = purse(stage, account)
    takes(before, after, price, "after the create")
    expect(after.get("balance", Decimal(0)) == 0, f"{after.get('balance')} credits are left of exactly the price")
    stage.refused(stage.creation(name).build(PROMPT), "credits", account)


@promise("MONEY-007", CHARGED, assumed={"revidapi": "that all places are free at once (R-REV-200)", **UNPRICED})
def together(stage: Stage) -> None:
    """Of eight creates at the same time three are accepted when there is money for three, and no more is taken."""
    creation = stage.creation()
    price = price_of(stage, creation.name)
    account = stage.account(balance=3 * price)
    before = purse(stage, account)
    replies = stage.together([creation.build(PROMPT)] * 8, account)
    made = [stage.driver.created(reply).id for reply in replies if reply.status == 200]
    expect(len(made) == 3, f"{len(made)} creates were accepted where there was money for 3")
    expect(len(set(made)) == 3, f"two creates gave the same task: {made}")
    for reply in replies:
        if reply.status != 200:
            stage.error_of(creation.build(PROMPT), reply, "credits")
    takes(before, purse(stage, account), 3 * price, "after eight creates at the same time")


@promise(
    "MONEY-008",
    assumed={
        "midsync": "errors are unpublished (R-MID-135)",
        "revidapi": "R-REV-227 is an inference",
        "apikeyorg": "R-KEY-071",
        **UNPRICED,
    },
    each=creations,
)
def refused_is_free(stage: Stage, name: str) -> None:
    """A create that is refused as invalid or as unauthorized takes nothing and makes nothing."""
    account = stage.account()
    before = glance(stage, account)
    creation = stage.creation(name)
    stage.refused(Request.json(creation.build(PROMPT).path, {}), "invalid", account)
    reply = stage.bare(creation.build(PROMPT))
    stage.error_of(creation.build(PROMPT), reply, "unauthorized")
    takes(before, glance(stage, account), Decimal(0), "after two refusals")
    nothing_made(stage, account)


@promise("MONEY-009", CHARGED, assumed=UNPRICED)
def accounts_are_separate(stage: Stage) -> None:
    """What one user pays takes nothing from another, and what one has does not help another to pay."""
    price = price_of(stage, stage.creation().name)
    poor = stage.account(balance=Decimal(0))
    rich = stage.account(beside=poor, balance=2 * price)
    stage.refused(stage.creation().build(PROMPT), "credits", poor)
    seen = _shown(stage, poor)
    stage.start(rich)
    expect(_shown(stage, poor) == seen, "another user's task changed what this user's account shows")
    available = stage.books(rich).available
    expect(available == price, f"of {2 * price} credits of both users {available} are left after a task of {price}")


@promise(
    "MONEY-010",
    {"revidapi": "R-REV-004"},
    assumed={
        "midsync": "no document says whose the points are, the key's or the account's",
        "apikeyorg": "no document says whose the credits are, the key's or the account's",
        **UNPRICED,
    },
)
def keys_of_one_user_share(stage: Stage) -> None:
    """Two keys of the same user pay from one balance."""
    price = price_of(stage, stage.creation().name)
    first = stage.account(balance=2 * price)
    second = stage.account(beside=first, same_user=True)
    stage.start(first)
    stage.start(second)
    if "balance" in (left := _shown(stage, first)):
        expect(left["balance"] == 0, f"both keys have paid, and {left['balance']} are left of two prices")
    for account in (first, second):
        stage.refused(stage.creation().build(PROMPT), "credits", account)


def _shown(stage: Stage, account: Account) -> dict[str, Decimal]:
    """Return what the provider itself shows of an account's money; the ledger's sums are over both users."""
    return {name: amount for name, amount in glance(stage, account).items() if name != "ledger"}
