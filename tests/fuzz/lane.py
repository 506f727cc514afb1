"""One lane of the fuzz: a connection with a universe of its own that asks one thing after another and judges."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from fuzz.books import WrongError, agree
from fuzz.compose import UNREAD, Composer, Made
from fuzz.costs import MICROS
from fuzz.dice import Dice
from fuzz.findings import Finding, Tally
from fuzz.profiles import PROFILES, RICH
from fuzz.talk import Came, Line, NoReplyError
from soundstage.core.clock import parse_iso
from support import judge

_REQUEST_ID = re.compile(r"req_\d+")
_ANY_VALUE = re.compile(
    r"[0-9a-f]{12,}|\d+|\b(rich|poor|narrow|limited|walled)\b|got .*|of [a-z0-9.-]+ must|for [a-z0-9.-]+[,;]"
)
# Fields of forms that are lists even when given once.
_LISTS = frozenset({"images", "videos", "img_url", "image_urls", "input_image"})
_WAITS = {"retry-after", "retry-after-ms"}
_RESETS_EVERY = 6
# How often uploads are looked up that should come to an end.
_PATIENT = 50
# Longer than a presigned URL lives.
_LONG = {"seconds": 3_700}
_LONGEST_REFUSAL = 1_500
# What no schema can say: rules that tie one part of a body to another, count tokens, or look into an address or into a
# schema; and to a schema 6.0 and 10 ** 30 are integers, which readers of numbers need not believe.
_UNSAYABLE = re.compile(
    r"must answer a tool call|tokens, |must name one of the tools|id of a task of yours|URLs here must be|"
    r"\"param\":\"(tools|response_format)\"|"
    r"Upload not found|audio_id( must be|: this upload is)|content_type must be that|needs no confirm|"
    r"cannot be confirmed|[Tt]he bytes are |its bytes are |Empty file|"
    r"There is no scope|Server [a-z0-9]+ does not make|at most \d+ images?, got|"
    r"must be an integer.*, got -?\d+\.0\.|input\.\d+ must be|got -?[0-9.]+e\+\d+"
)

# Nor are repeated fields, parts of a form, and what forms of API-Key may hold together.
_OF_FORMS = re.compile(
    r"is given \d+ times|of a form needs a name|do not fit its boundary|"
    r"does not fit what was sent|required without images|exclude each other"
)


@dataclass
class Lane:
    """One connection, its accounts, and its own books."""

    line: Line
    provider: str
    name: str
    seed: int
    tally: Tally
    batch: int = 60
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.profile = PROFILES[self.provider]
        self.judge = judge.of(self.provider)
        self.books = self.profile.books()
        self.host = f"{self.line.host}:{self.line.port}"
        self.keys = {who: f"sk_fuzz_{self.name}_{who}" for who in self.profile.accounts}
        self.composer = Composer(
            self.judge.document, self.keys, list(self.profile.weights.items()), self.profile.x_api_key
        )
        self._requests = {
            (operation["operationId"], media): self.composer.validator(given["schema"])
            for (_, _, operation), _ in self.composer.operations
            for media, given in operation.get("requestBody", {}).get("content", {}).items()
        }

    async def run(self, count: int) -> None:
        """Register the accounts, send `count` requests, and check the books after every batch."""
        for who, settings in self.profile.accounts.items():
            given = {"provider": self.provider, "key": self.keys[who], **settings}
            self.ids[who] = (await self.admin("POST", "/keys", given))["id"]
        await self._advance({"seconds": 0})
        for number in range(1, count + 1):
            dice = Dice(self.seed, self.provider, self.name, number)
            await self._step(self.composer.make(dice, self.books.known()), careful=dice.chance(4))
            if number % self.batch == 0 or number == count:
                await self._settle_up(Dice(self.seed, "books", self.name, number), number // self.batch)
        for _ in range(_PATIENT):
            await self._advance({"until": "idle"})
            await self._look_at_files()
            if not list(self.books.unseen()):
                break
        else:
            self._found("uploads are processing without an end", None, None)
        self.tally.reopened += self.line.reopened
        await self.line.close()

    async def _step(self, made: Made, *, careful: bool) -> None:
        before = await self.admin("GET", "/ledger") if careful else None
        came = await self._ask(made)
        if came is None:
            return
        self.tally.seen[made.operation or "(no operation)", came.status] += 1
        self._try(self._check, made, came)
        self._try(self._agrees, made, came)
        self._try(self.books.note, made, came)
        if before is not None and came.status >= 400 and await self.admin("GET", "/ledger") != before:
            self._found("a refused request changed the ledger", made, came)
        elif before is not None:
            await self._compare("after one request")

    def _try(self, look: Callable[[Made, Came], None], made: Made, came: Came) -> None:
        try:
            look(made, came)
        except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Not only what was looked for: a reply that the checks themselves stumble over is as wrong.
            self._found(f"{type(error).__name__}: {error}"[:700], made, came)

    async def _ask(self, made: Made) -> Came | None:
        self.tally.requests += 1
        try:
            return await self.line.ask(made.said(self.host, f"/{self.provider}"), head_only=made.method == "HEAD")
        except (NoReplyError, TimeoutError) as error:
            self._found(f"no reply: {type(error).__name__} {error}", made, None)
            return None

    def _check(self, made: Made, came: Came) -> None:
        if came.status >= 500:
            raise WrongError(f"status {came.status}")
        if made.bare:
            return
        if made.method != "HEAD":
            self.judge.check(made.method, made.path, came.status, came.content_type, came.raw)
        elif came.status not in {200, 400, 401, 403, 404, 405, 413, 415, 429}:
            raise WrongError(f"HEAD answered {came.status}")
        if not _REQUEST_ID.fullmatch(came.headers.get("x-request-id", "")):
            raise WrongError("the reply has no x-request-id")
        queue_full = came.raw.startswith(b'{"detail":"Queue full')
        if came.status == 429 and not queue_full and not came.headers.keys() >= _WAITS:
            raise WrongError("a 429 without Retry-After")
        if came.status >= 400 and (len(came.raw) > _LONGEST_REFUSAL or b"sk_fuzz" in came.raw):
            raise WrongError("a refusal of great length, or one that repeats a key")

    def _agrees(self, made: Made, came: Came) -> None:
        """Check that the server accepts exactly the bodies that the document's schema allows."""
        media = made.headers[0][1].partition(b";")[0].decode("latin-1").lower() if made.headers else ""
        form = media.endswith(("form-data", "urlencoded"))
        valid = self._requests.get((made.operation or "", media if form else "application/json"))
        if made.odd or made.account != RICH or made.method != "POST" or made.value is UNREAD or valid is None:
            return
        value = _plain(made.value) if form else made.value
        errors = [f"{list(one.instance_path)}: {one.message}" for one in valid.iter_errors(value)]
        errors = [one for one in errors if 'is not a "uri"' not in one]
        if came.status == 200 and errors:
            raise WrongError(f"accepted what the document refuses: {errors[0][:300]}")
        if came.status not in {400, 404} or errors:
            return
        told = came.raw.decode()
        if _UNSAYABLE.search(told) is None and not (form and _OF_FORMS.search(told)):
            raise WrongError(f"refused what the document allows: {told}")

    async def _settle_up(self, dice: Dice, turn: int) -> None:
        """Compare the books, let something happen, poll every task, and compare them again."""
        await self._compare("after requests")
        if turn % _RESETS_EVERY == _RESETS_EVERY - 1:
            await self.admin("POST", "/reset", {"what": "state"})
            self.books.forget()
            await self._advance({"seconds": 0})
            return await self._compare("after a reset")
        await self._happen(dice)
        for task_id, task in list(self.books.tasks.items()):
            if task.account in self.keys:
                await self._poll(task_id, task.account)
        await self._look_at_files()
        await self._compare("after time went on")
        return None

    async def _happen(self, dice: Dice) -> None:
        for task_id in list(self.books.tasks)[-10:]:
            if self.books.tasks[task_id].account in self.keys and dice.chance(30):
                await self.admin("POST", f"/tasks/{task_id}/{dice.pick(['complete', 'fail', 'stall'])}", {}, {200, 409})
        if dice.chance(20):
            await self.admin("POST", f"/keys/{self.ids['poor']}/top-up", {"amount": "12.5"})
        how = dice.pick([None, {"seconds": dice.between(0, 90)}, {"to": "next-event"}, {"until": "idle"}, _LONG])
        if how is not None:
            await self._advance(how)

    async def _advance(self, how: Any) -> None:
        self.books.now = parse_iso((await self.admin("POST", "/clock/advance", how))["now"])

    async def _look_at_files(self) -> None:
        """Look up the uploads that were on their way, and compare what is served with what was sent."""
        for operation, path, account in list(self.books.unseen()):
            bearer = (b"Authorization", f"Bearer {self.keys[account]}".encode())
            await self._judged(Made("GET", path, operation, account, (bearer,)))
        for url, digest in self.books.files().items():
            await self._judged(Made("GET", urlsplit(url).path, "(file)", None, bare=True, value=digest))

    async def _judged(self, made: Made) -> None:
        came = await self._ask(made)
        if came is not None:
            self._try(self._check, made, came)
            self._try(self.books.note, made, came)

    async def _poll(self, task_id: str, account: str) -> None:
        bearer = (b"Authorization", f"Bearer {self.keys[account]}".encode())
        made = Made(
            "GET", self.profile.poll.format(id=task_id, place=self.books.tasks[task_id].place), None, account, (bearer,)
        )
        came = await self._ask(made)
        self.books.tasks[task_id].unpolled = came is None or came.status == 429
        if came is None or came.status == 429:
            return
        self._try(self._check, made, came)
        self._try(lambda _, reply: self.books.polled(task_id, json.loads(reply.raw)), made, came)

    async def _compare(self, when: str) -> None:
        told = await self.admin("GET", "/invariants")
        ledger = await self.admin("GET", "/ledger")
        try:
            agree("invariants", told, {"ok": True, "violations": []})
            self.books.complete(ledger["entries"])
            lost = {
                one["key_id"]: int((Decimal(one["issued"]) - Decimal(one["available"])) * MICROS)
                for one in ledger["wallets"]
            }
            for who, key_id in self.ids.items():
                ours = self.books.lost(who)
                # From here on the server's sum counts, so that one difference is told once.
                self.books.spent[who] += lost[key_id] - ours
                agree(f"what {who} lost {when}", lost[key_id], ours)
        except AssertionError as error:
            self._found(str(error), None, None)

    def _found(self, what: str, made: Made | None, came: Came | None) -> None:
        reply = "none" if came is None else f"{came.status} {came.raw[:400].decode('utf-8', 'replace')}"
        kind = _ANY_VALUE.sub("#", what)[:110] + ("" if made is None else f" {made.operation}")
        self.tally.add(Finding(what, f"{self.provider} {self.name}", made, reply), kind)

    async def admin(
        self, method: str, path: str, body: Any = None, fine: frozenset[int] | set[int] = frozenset()
    ) -> Any:
        """Call the admin API on behalf of this lane's universe; anything but a success is an error of the fuzz."""
        raw = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} /__admin{path} HTTP/1.1\r\nHost: {self.host}\r\nX-Soundstage-Universe: fuzz-{self.name}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        came = await self.line.ask(head.encode() + raw)
        if came.status not in {200, 201, 204} and came.status not in fine:
            raise RuntimeError(f"{method} /__admin{path} → {came.status} {came.raw[:300]!r}")
        return json.loads(came.raw) if came.raw else None


def _plain(form: Mapping[str, list[str | bytes]]) -> dict[str, Any]:
    """Return a form as its schema sees it: a field once given as its text, files as some text."""
    texts = {name: ["" if isinstance(one, bytes) else one for one in given] for name, given in form.items()}
    return {name: given if name in _LISTS or len(given) > 1 else given[0] for name, given in texts.items()}
