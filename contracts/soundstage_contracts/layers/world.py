"""A small model of a provider's tasks and wallets, moved along with the real ones and compared after every step.

It shares no code with any target: prices are learned once and must stay, states move as documented, and every credit is
available, held by a living task, or spent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from soundstage_contracts.adapters.base import Account, Books
from soundstage_contracts.documents import document
from soundstage_contracts.drivers.base import Created, Creation, TaskView
from soundstage_contracts.oracles.lifecycle import contradictions
from soundstage_contracts.stage import PROMPT, Stage
from soundstage_contracts.target import Started, Target, shown
from soundstage_contracts.verdict import Broken, NotApplicable, NotReached, expect

SMALL = Decimal(45)
"""What the poor account has: enough for a few cheap tasks of some providers and for none of others."""
MOST_TASKS = 5
MOST_LOOKS = 300
ZERO = Decimal(0)


@dataclass
class Task:
    """A task as the model has it: its price is held while it lives, then spent or given back.

    `view` is what the last poll said of it.
    """

    started: Started
    price: Decimal
    state: str
    held: Decimal
    spent: Decimal = ZERO
    view: TaskView | None = None


@dataclass
class Purse:
    """An account as the model has it."""

    account: Account
    issued: Decimal
    tasks: list[Task] = field(default_factory=list)

    @property
    def taken(self) -> Decimal:
        """What tasks hold and have spent."""
        return sum((task.held + task.spent for task in self.tasks), ZERO)

    @property
    def available(self) -> Decimal:
        """What can still be spent."""
        return self.issued - self.taken


class World:
    """One example: a rich and a poor account in a world of their own, and what the model expects there."""

    def __init__(self, target: Target, visited: set[str], number: int) -> None:
        """Open the accounts of example `number`; `visited` collects the cells that were reached, over all examples."""
        self.driver = target.driver
        self.stage = Stage(target, f"{target.driver.prefix}-WORLD-001-{number}")
        self.visited = visited
        limits = self.driver.room.limits
        rich = self.stage.account(limits=limits)
        poor = self.stage.account(balance=SMALL, beside=rich, limits=limits)
        self.purses = {name: Purse(one, one.balance or ZERO) for name, one in (("rich", rich), ("poor", poor))}
        self.prices: dict[str, Decimal] = {}
        self.creations = {one.name: one for one in self.driver.creations()}
        self.credits: dict[str, Any] = document(self.driver.id, "lifecycle").get("credits", {})

    # ---- what can be done --------------------------------------------------------------------------------------------

    def create(self, who: str, name: str) -> Task | None:
        """Make a task if the model says that the account can pay it; it must be refused if not."""
        purse, creation = self.purses[who], self.creations[name]
        price = self._price(creation)
        if price is None and who == "poor":
            self.create("rich", name)
            price = self.prices[name]
        if price is not None and purse.available < price:
            self._refused_create(purse, creation)
            return None
        before = self.books()
        request = creation.build(PROMPT)
        reply = self.stage.call(request, purse.account)
        expect(reply.status == 200, f"{name} can be paid and is refused with {reply.status}: {shown(reply)}")
        created = self.driver.created(reply)
        taken = before.available - self.books().available
        expect(price in {None, taken}, f"{name} should cost {price}, and the balance lost {taken}")
        self.prices[name] = taken
        task = Task(Started(purse.account, creation, request, reply, created), taken, self.driver.life.initial, taken)
        purse.tasks.append(task)
        self._shown_price(task, created, purse)
        self.visited.add("create/ok")
        return task

    def quote(self, name: str) -> None:
        """Ask for a price where the provider gives quotes; it must be the known one, and nothing may be taken."""
        before = self.books()
        quoted = self._quoted(self.creations[name])
        if quoted is None:
            return
        known = self.prices.get(name)
        expect(known in {None, quoted}, f"the quote for {name} says {quoted}, and such a task costs {known}")
        expect(self.books() == before, f"the quote for {name} changed the balance")
        self.visited.add("quote/ok")

    def fail(self, task: Task) -> None:
        """Make a living task fail; its price must come back."""
        self.visited.add(f"fail/ok/{task.state}")
        self.stage.adapter.fail(task.started.account, task.started.id)
        self._end(task, self.driver.life.failure)

    def cancel(self, task: Task) -> None:
        """Cancel a task: a living one ends, for one that has ended it must be refused."""
        life = self.driver.life
        request, account = self.driver.cancel(task.started.id), task.started.account
        if task.state in life.terminal:
            self.stage.refused(request, "invalid", account)
            self.visited.add(f"cancel/refused/{task.state}")
            return
        self.stage.answered(request, account)
        self.visited.add(f"cancel/ok/{task.state}")
        self._end(task, life.cancelled or life.failure)

    def look_at_anothers(self, task: Task) -> None:
        """Ask for a task with a key of somebody else, who must not see it."""
        other = next(one.account for one in self.purses.values() if one.account != task.started.account)
        self.stage.refused(self.driver.poll(task.started.id, task.started.creation), "not_found", other)
        self.visited.add("poll/not_found")

    def step(self) -> None:
        """Let the next thing happen."""
        self.stage.step(self.purses["rich"].account)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.stage.pass_seconds(seconds, self.purses["rich"].account)

    def reach(self, task: Task, state: str) -> None:
        """Bring a task into a state that lies on its way, in steps short enough to see every state it passes."""
        passed = 0.0
        for _ in range(MOST_LOOKS):
            self._follow(task, self.stage.poll(task.started))
            if task.state == state or task.state in self.driver.life.terminal:
                break
            passed += self.stage.stride(task.started.account, passed)
        self.check()
        if task.state != state:
            raise NotReached(f"task {task.started.id} never was {state!r}; it is {task.state!r}")

    # ---- what must hold ----------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> list[Task]:
        """All tasks, in the order of the accounts and their making."""
        return [task for purse in self.purses.values() for task in purse.tasks]

    @property
    def living(self) -> list[Task]:
        """The tasks that have not ended."""
        return [task for task in self.tasks if task.state not in self.driver.life.terminal]

    def books(self) -> Books:
        """Return the money of both accounts together, as the target's ledger has it."""
        return self.stage.books(self.purses["rich"].account)

    def check(self) -> None:
        """Compare every task, the ledger and what the provider shows with the model."""
        for task in self.tasks:
            self._follow(task, self.stage.poll(task.started))
        books = self.books()
        whole = books.available + books.held + books.spent
        expect(books.issued == whole, f"{books.issued} credits were issued, and the ledger has {whole}")
        held = sum((task.held for task in self.tasks), ZERO)
        spent = sum((task.spent for task in self.tasks), ZERO)
        issued = sum((purse.issued for purse in self.purses.values()), ZERO)
        wanted = Books(issued, issued - held - spent, held, spent)
        expect(books == wanted, f"the ledger should have {_told(wanted)}, and has {_told(books)}")
        for name, purse in self.purses.items():
            self._own_balance(name, purse)
            self._own_total(name, purse)

    def _own_balance(self, name: str, purse: Purse) -> None:
        try:
            balance = self.driver.balance(self.stage, purse.account)
        except NotApplicable:
            return
        expect(balance == purse.available, f"the {name} account should have {purse.available}, and is shown {balance}")

    def _own_total(self, name: str, purse: Purse) -> None:
        try:
            charged = self.driver.charged(self.stage, purse.account)
        except NotApplicable:
            return
        expect(charged == purse.taken, f"the {name} account's tasks cost {purse.taken}, and its usage says {charged}")

    def _follow(self, task: Task, view: TaskView) -> None:
        life, before = self.driver.life, task.state
        earlier = task.view
        if earlier is None or earlier.state != before:
            # What was done since the last look is in the model only.
            earlier = replace(view, state=before)
        for wrong in contradictions(life, earlier, view):
            raise Broken(f"task {task.started.id}: {wrong}")
        task.view = view
        self.visited.add(f"poll/ok/{view.state}")
        if view.state == before:
            return
        expect(view.state != life.cancelled, f"nobody cancelled task {task.started.id}, and it is {view.state!r}")
        if view.state == life.failure:
            # A task may fail by itself; what it held comes back all the same.
            self._end(task, life.failure)
        task.state = view.state
        if view.state == life.success:
            task.held, task.spent = ZERO, task.price

    def _end(self, task: Task, state: str) -> None:
        """End a task in the model: what it held goes back, unless the documents say that this end costs."""
        running = task.state != self.driver.life.initial
        says = f"{state}_while_{task.state}"
        kept = running and self.credits.get(says, {}).get("movement") == "settle"
        task.state, task.spent, task.held = state, (task.held if kept else ZERO), ZERO

    # ---- prices ------------------------------------------------------------------------------------------------------

    def _price(self, creation: Creation) -> Decimal | None:
        """Return what a task must cost by an earlier one, by its quote or by the documents; None where nobody says."""
        known = self.prices.get(creation.name)
        if known is not None:
            return known
        quoted = self._quoted(creation)
        published = self.driver.price(creation.build(PROMPT))
        if published is None:
            return quoted
        if quoted is not None:
            inside = published.least <= quoted <= published.most
            expect(
                inside, f"the quote for {creation.name} says {quoted}, published are {published.least}-{published.most}"
            )
        return published.least if published.exact else quoted

    def _quoted(self, creation: Creation) -> Decimal | None:
        try:
            request = self.driver.quote(creation.build(PROMPT))
        except NotApplicable:
            return None
        return self.driver.quoted(self.stage.answered(request, self.purses["rich"].account))

    def _shown_price(self, task: Task, created: Created, purse: Purse) -> None:
        name = task.started.creation.name
        expect(created.price in {None, task.price}, f"{name} cost {task.price}, and its reply says {created.price}")
        left = created.balance_left
        expect(left in {None, purse.available}, f"the reply of {name} says {left} are left, and {purse.available} are")
        expect(bool(created.id), f"the reply of {name} names no task")
        same = [one for one in self.tasks if one.started.id == created.id]
        expect(len(same) == 1, f"{created.id} is the id of {len(same)} tasks")

    def _refused_create(self, purse: Purse, creation: Creation) -> None:
        self.stage.refused(creation.build(PROMPT), "credits", purse.account)
        self.visited.add("create/credits")


def _told(books: Books) -> str:
    return f"{books.available} available, {books.held} held, {books.spent} spent of {books.issued}"
