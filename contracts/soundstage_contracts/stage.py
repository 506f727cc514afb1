"""What a check is given: accounts, requests, time, callbacks, each of which it may ask for and may be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from soundstage_contracts import clock
from soundstage_contracts.adapters.base import Account, Adapter, Books, Wanted
from soundstage_contracts.drivers.base import Creation, Driver, ErrorView, TaskView
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.mailbox import Mailbox
from soundstage_contracts.target import Started, Target, shown, slug
from soundstage_contracts.verdict import Broken, NotTested, UnreachableError, expect
from soundstage_contracts.walking import walk

PROMPT = "A paper boat on a mountain lake at dawn"
NEAR, DISTANT = 2.0, 30.0
"""Seconds of real time that a callback which is due may take to arrive, from a target nearby or anywhere."""


@dataclass
class Stage:
    """One check's view of the target; everything it does is kept as evidence."""

    target: Target
    check: str
    evidence: list[Exchange] = field(default_factory=list)
    _accounts: int = 0
    _boxes: int = 0
    _first: Account | None = None

    @property
    def driver(self) -> Driver:
        """The provider's driver."""
        return self.target.driver

    @property
    def assumptions(self) -> bool:
        """Whether the target claims to share the documents' assumptions."""
        return self.target.assumptions

    # ---- accounts --------------------------------------------------------------------------------------------------

    def account(self, **wanted: Any) -> Account:
        """Return an account with what `Wanted` says; raises NotTested where only the adapter could make it.

        Without an adapter every call that wants nothing special returns the account of --api-key.
        """
        asked = Wanted(**wanted)
        if self.target.adapter is None:
            if self.target.given is None or asked != Wanted():
                raise NotTested("it needs an account of its own kind, and there is no adapter to make one")
            return self.target.given
        self._accounts += 1
        label = f"{slug(self.check)}-{self._accounts}"
        account = self.target.adapter.open(self.driver.id, label, asked)
        self._first = self._first or account
        return account

    @property
    def someone(self) -> Account:
        """The check's usual account, made at first use."""
        return self._first or self.account()

    @property
    def adapter(self) -> Adapter:
        """The adapter; raises NotTested when there is none."""
        if self.target.adapter is None:
            raise NotTested("it needs an adapter that can set the target up")
        return self.target.adapter

    # ---- requests --------------------------------------------------------------------------------------------------

    def call(self, request: Request, account: Account | None = None, form: str | None = None) -> Reply:
        """Send a request with an account's key (the usual account's when none is named) and return the reply."""
        who = account or self.someone
        keyed = self.driver.authorize(request, who.key, form or self._form(request))
        return self._send(keyed, "call", who.label)

    def bare(self, request: Request) -> Reply:
        """Send a request exactly as it is, without any key."""
        return self._send(request, "call", "")

    def together(self, requests: Iterable[Request], account: Account | None = None) -> list[Reply]:
        """Send requests at the same time and return their replies in the order of the requests."""
        who = account or self.someone
        keyed = [self.driver.authorize(one, who.key, self._form(one)) for one in requests]
        with ThreadPoolExecutor(len(keyed)) as pool:
            sent = [pool.submit(self.target.sender.send, one) for one in keyed]
        return [self._taken(one, "call", who.label, done.result) for one, done in zip(keyed, sent, strict=True)]

    def fetch(self, url: str) -> Reply:
        """Get a file from a URL that a reply gave; the key is never sent there."""
        return self._send(Request("GET", url), "file", "")

    def put(self, url: str, body: bytes, content_type: str) -> Reply:
        """Put a file to a URL that a reply gave; the key is never sent there."""
        return self._send(Request.raw(url, body, content_type, "PUT"), "file", "")

    def _form(self, request: Request) -> str:
        # That the first form opens everything may itself be an assumption.
        return self.driver.key_forms[0] if self.assumptions else self.driver.documented_form(request)

    def _send(self, request: Request, kind: str, who: str) -> Reply:
        return self._taken(request, kind, who, lambda: self.target.sender.send(request))

    def _taken(self, request: Request, kind: str, who: str, reply_of: Callable[[], Reply]) -> Reply:
        try:
            reply = reply_of()
        except UnreachableError as error:
            self._keep(Exchange(request, None, kind, self.check, who, str(error)))
            raise Broken(f"{request.method} {request.path[:100]}: {error}") from None
        self._keep(Exchange(request, reply, kind, self.check, who))
        return reply

    def _keep(self, exchange: Exchange) -> None:
        self.evidence.append(exchange)
        self.target.observe(exchange)

    def answered(self, request: Request, account: Account | None = None, form: str | None = None) -> Reply:
        """Send a request that must succeed, and return its reply; raises Broken unless it is a 200."""
        reply = self.call(request, account, form)
        if reply.status != 200:
            raise Broken(f"{request.method} {request.path[:100]} answers {reply.status}: {shown(reply)}")
        return reply

    def refused(
        self, request: Request, kind: str, account: Account | None = None, form: str | None = None
    ) -> ErrorView | None:
        """Send a request that must be refused as `kind` of the driver's `errors`; nothing may be taken for it.

        Without assumptions any 4xx will do (or 5xx where the kind is one), and None is returned.
        """
        who = account or self.someone
        before = self.books(who) if self.target.adapter is not None else None
        reply = self.call(request, who, form)
        error = self.error_of(request, reply, kind)
        if before is not None:
            expect(self.books(who) == before, "a refused call changed the balance")
        return error

    def error_of(self, request: Request, reply: Reply, kind: str) -> ErrorView | None:
        """Return the error of a reply that must be a refusal of this kind; raises Broken when it is another or none."""
        rule = self.driver.errors[kind]
        where = f"{request.method} {request.path[:100]}"
        if not self.assumptions:
            kept = reply.status // 100 == rule.status // 100
            expect(kept, f"{where} should be refused ({kind}), and answers {reply.status}: {shown(reply)}")
            return None
        expect(
            reply.status == rule.status,
            f"{where} should be refused with {rule.status} ({kind}), and answers {reply.status}: {shown(reply)}",
        )
        error = self.driver.error(reply)
        expect(
            rule.code is None or error.code == rule.code,
            f"{where} should be refused with the code {rule.code}, and says {error.code!r}",
        )
        expect(bool(error.message.strip()), f"{where} is refused without a word why")
        return error

    # ---- tasks -----------------------------------------------------------------------------------------------------

    def creation(self, name: str | None = None) -> Creation:
        """Return a way to make a task by its name, or the cheapest."""
        known = self.driver.creations()
        return known[0] if name is None else next(one for one in known if one.name == name)

    def start(
        self,
        account: Account | None = None,
        creation: Creation | str | None = None,
        prompt: str = PROMPT,
        **fields: Any,
    ) -> Started:
        """Make a task; raises Broken when the create is refused."""
        how = creation if isinstance(creation, Creation) else self.creation(creation)
        if how.assumed and not self.assumptions:
            raise NotTested(f"no document says how to ask for {how.name}: {how.assumed}")
        who = account or self.someone
        request = how.build(prompt, **fields)
        reply = self.call(request, who)
        if reply.status == 429 and self.target.adapter is None:
            raise NotTested(f"the account is at its limits: {shown(reply)}")
        if reply.status != 200:
            raise Broken(f"{how.name} was refused with {reply.status}: {shown(reply)}")
        return Started(who, how, request, reply, self.driver.created(reply))

    def poll(self, task: Started) -> TaskView:
        """Ask how a task is."""
        return self.driver.view(self.poll_reply(task))

    def poll_reply(self, task: Started) -> Reply:
        """Ask how a task is, and return the reply as it came."""
        reply = self.call(self.driver.poll(task.id, task.creation), task.account)
        if reply.status != 200:
            raise Broken(f"task {task.id} was just made and its poll answers {reply.status}")
        return reply

    def follow(self, task: Started) -> list[TaskView]:
        """Poll a task until it has ended and return what each poll said; raises NotReached when it does not end."""
        return [look.view for look in walk(self, task, by_events=True)]

    def until(self, task: Started, state: str) -> TaskView:
        """Poll a task until it is in `state` and return that poll; raises NotReached when it never is."""
        return walk(self, task, [state])[-1].view

    def failed(self, task: Started, reason: str | None = None) -> TaskView:
        """Make a task fail through the adapter, and return what a poll says then."""
        self.adapter.fail(task.account, task.id, reason)
        return self.poll(task)

    def step(self, account: Account) -> bool:
        """Let the next thing happen: move the account's time, or wait where nobody can. False when nothing is left."""
        if self.target.adapter is not None:
            return self.target.adapter.next_event(account)
        clock.wait(self.driver.poll_seconds)
        return True

    def stride(self, account: Account, passed: float, seconds: float | None = None) -> float:
        """Let `seconds` go by, or the more the more has `passed`; waits where nobody can. Returns how many."""
        if self.target.adapter is None:
            clock.wait(self.driver.poll_seconds)
            return self.driver.poll_seconds
        going = seconds or max(1.0, passed // 5)
        self.target.adapter.pass_seconds(account, going)
        return going

    def pass_seconds(self, seconds: float, account: Account | None = None) -> None:
        """Move an account's time; raises NotTested where nobody can."""
        self.adapter.pass_seconds(account or self.someone, seconds)

    # ---- money -----------------------------------------------------------------------------------------------------

    def books(self, account: Account | None = None) -> Books:
        """Return an account's money as the target's ledger has it; raises NotTested without an adapter."""
        return self.adapter.books(account or self.someone)

    def taken(self, account: Account | None = None) -> Decimal:
        """Return how many credits the account's tasks hold or have spent, as the target's ledger has it."""
        books = self.books(account)
        return books.held + books.spent

    # ---- callbacks -------------------------------------------------------------------------------------------------

    def mailbox(self, *answers: int) -> Mailbox:
        """Return a new mailbox for callbacks that answers its first attempts with these statuses, then 200."""
        if self.target.receiver is None:
            raise NotTested("it needs a receiver of callbacks that the target can reach")
        self._boxes += 1
        name = f"{slug(self.check)}-{self._boxes}"
        self.target.receiver.open(name, *answers)
        # With an adapter, whatever is due was attempted before it said that time has passed.
        patience = DISTANT if self.target.adapter is None else NEAR
        return Mailbox(self.target.receiver, name, self.check, self._keep, patience)
