"""Checks a tape again without its target: every exchange against the documents, every promise against what was said."""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote_plus

from soundstage_contracts.adapters.base import Account, Wanted
from soundstage_contracts.adapters.soundstage import SoundstageAdapter
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Driver
from soundstage_contracts.exchange import Headers, Reply, Request
from soundstage_contracts.layers.matrix import cases_of, result_id, try_promise
from soundstage_contracts.promise import promises
from soundstage_contracts.receiver import Callback, Receiver
from soundstage_contracts.tape.reading import Tape, Taped, TapeError
from soundstage_contracts.tape.redaction import PLACEHOLDER
from soundstage_contracts.target import Target, slug
from soundstage_contracts.verdict import NotTested, Result, UnreachableError, Verdict
from soundstage_contracts.watch import Watcher

LAYER = "tape"
_UNIVERSE = "x-soundstage-universe"
_GENERATED = frozenset({"x-soundstage-admin-token", "user-agent", "host"})
_ASKED_FOR_CALLS = re.compile(rb"(https?://[^\"\\\s]+?)/callbacks/")


def replay(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Result]:
    """Yield what comes of every promise whose id is `wanted`, then of the shapes, from what is on a tape alone.

    What the tape has nothing for is NOT_TESTED. Raises TapeError for a file that is no tape of a known provider.
    """
    tape = Tape.read(path)
    try:
        driver = driver_of(tape.header.provider)
    except KeyError:
        raise TapeError(f"the tape is of {tape.header.provider!r}, a provider nobody knows here") from None
    contract = Contract(driver.id, assumptions=tape.header.assumptions)
    yield from _promises(tape, driver, contract, wanted)
    watcher = Watcher(driver, contract)
    for kept in tape.taped:
        watcher.see(kept.exchange)
    for result in watcher.results():
        if wanted(result.id):
            unseen = result.verdict is Verdict.NOT_REACHED
            yield replace(result, verdict=Verdict.NOT_TESTED, says=f"on this tape {result.says}") if unseen else result


def _promises(tape: Tape, driver: Driver, contract: Contract, wanted: Callable[[str], bool]) -> Iterator[Result]:
    quiet = copy.copy(driver)
    vars(quiet)["poll_seconds"] = 0.0  # what was waited for has come already
    streams = _Streams(tape)
    for promise in promises():
        for case in cases_of(promise, quiet):
            name = result_id(driver, promise, case)
            if wanted(name):
                target = target_of(tape, streams.of(name), quiet, contract)
                yield replace(try_promise(promise, case, target), layer=LAYER)


def target_of(tape: Tape, stream: Stream, driver: Driver, contract: Contract) -> Target:
    """Return a target that says to one check what the tape says, and knows nothing else."""
    header = tape.header
    driven = any(kept.exchange.kind == "setup" for kept in tape.taped)
    adapter = ReplayAdapter(ReplaySender(stream, {"setup"})) if driven else None
    callback_url = header.callback_url or _callback_url(tape)
    receiver = None if callback_url is None else ReplayReceiver(stream, callback_url)
    given = None
    if header.given is not None or not driven:
        known: dict[str, Any] = header.given or {}
        secret = known.get("secret")
        label, key = str(known.get("label", "given")), str(known.get("key", "<key 1>"))
        given = _redacted(Account(label, key, secret))
    sender = ReplaySender(stream, {"call", "file"})
    return Target(driver, contract, sender, adapter, receiver, given, header.assumptions)


def _callback_url(tape: Tape) -> str | None:
    found = (_ASKED_FOR_CALLS.search(kept.exchange.request.body) for kept in tape.taped)
    return next((one[1].decode() for one in found if one), None)


class _Streams:
    """A tape by check: what a check said and was told, with what was set up for it, in order."""

    def __init__(self, tape: Tape) -> None:
        self._by_check: dict[str, list[Taped]] = {}
        for kept in tape.taped:
            self._by_check.setdefault(_owner(kept), []).append(kept)
        self._order = {id(kept): number for number, kept in enumerate(tape.taped)}

    def of(self, check: str) -> Stream:
        """Return the stream of the check with this id."""
        own = [*self._by_check.get(check, ()), *self._by_check.get(f"set up for {slug(check)}", ())]
        return Stream(sorted(own, key=lambda kept: self._order[id(kept)]))


def _owner(kept: Taped) -> str:
    """Return the check an exchange belongs to; a set-up says it in the name of its world, `verify-CHECK-NUMBER`."""
    given = kept.exchange
    if given.kind != "setup":
        return given.check
    body = given.request.value()
    world = given.request.header(_UNIVERSE) or (str(body.get("universe", "")) if isinstance(body, dict) else "")
    return f"set up for {world.removeprefix('verify-').rpartition('-')[0]}"


class Stream:
    """What one check said and was told, to be said again in the same order."""

    def __init__(self, kept: Iterable[Taped]) -> None:
        self._kept = list(kept)
        self._taken = [one.exchange.kind == "callback" for one in self._kept]
        self._renamed: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread = threading.get_ident()

    def take(self, request: Request, kinds: Collection[str]) -> Taped:
        """Return what is on the tape for a request; raises NotTested unless it is the next one there.

        Requests that are sent at the same time come from other threads, and among those the order means nothing.
        """
        with self._lock:
            ahead = [number for number, taken in enumerate(self._taken) if not taken]
            if threading.get_ident() == self._thread:
                ahead = ahead[:1]
            for number in ahead:
                given = self._kept[number].exchange
                if given.kind in kinds and self._same(given.request, request, exact=given.kind != "setup"):
                    self._taken[number] = True
                    return self._kept[number]
        raise NotTested(f"the tape has nothing for {request.method} {request.path[:200]}")

    def arrived(self, box: str) -> tuple[Callback, ...]:
        """Return the callbacks that had come to a mailbox when the check was where it is now."""
        with self._lock:
            now = self._taken.index(False) if False in self._taken else len(self._taken)
            came = [one for one in self._kept[:now] if one.exchange.kind == "callback"]
        return tuple(_callback(one) for one in came if _box(one) == box)

    def _same(self, taped: Request, asked: Request, *, exact: bool) -> bool:
        if taped.method != asked.method:
            return False
        pairs = [(taped.path, asked.path), (_text(taped.body), _text(asked.body))]
        left, right = _compared(taped.headers), _compared(asked.headers)
        if [name for name, _ in left] != [name for name, _ in right]:
            return False
        pairs += [(one[1], other[1]) for one, other in zip(left, right, strict=True)]
        return all(self._fits(one, other, exact=exact) for one, other in pairs)

    def _fits(self, taped: str, asked: str, *, exact: bool) -> bool:
        """Return whether a text is the taped one; a placeholder stands for one and the same text throughout."""
        names = PLACEHOLDER.findall(taped)
        if not names:
            return taped == asked
        found = re.fullmatch("(.+?)".join(map(re.escape, PLACEHOLDER.split(taped))), asked, re.DOTALL)
        if found is None:
            return False
        for name, text in zip(names, found.groups(), strict=True):
            given = unquote_plus(text)
            # A set-up names the key it wants; everywhere else an account's key is its placeholder.
            if given != name and exact and PLACEHOLDER.fullmatch(given):
                return False
            if given != name and self._renamed.setdefault(name, given) != given:
                return False
        return True


def _compared(headers: Headers) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers if name.lower() not in _GENERATED]


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _box(kept: Taped) -> str:
    return kept.exchange.request.path.partition("?")[0].rpartition("/")[2]


def _callback(kept: Taped) -> Callback:
    request, reply = kept.exchange.request, kept.exchange.reply
    return Callback(request.path, request.headers, request.body, 0 if reply is None else reply.status, kept.at)


class ReplaySender:
    """Answers a check's requests from its stream of a tape."""

    def __init__(self, stream: Stream, kinds: Collection[str] = frozenset({"call", "file"})) -> None:
        """Answer from those exchanges of `stream` that are of these kinds."""
        self._stream = stream
        self._kinds = kinds

    def send(self, request: Request) -> Reply:
        """Return the taped reply; raises NotTested when the tape has none, UnreachableError where none came then."""
        given = self._stream.take(request, self._kinds).exchange
        if given.reply is None:
            raise UnreachableError(given.failure or "no reply came")
        return given.reply

    def close(self) -> None:
        """Do nothing: there are no connections."""


class ReplayReceiver(Receiver):
    """Has a check's callbacks from its stream of a tape, as of the moment the check is at; nothing listens."""

    def __init__(self, stream: Stream, public_url: str) -> None:
        """Hand out the URLs that the taped run handed out."""
        self._stream = stream
        self._public = public_url.rstrip("/")

    def open(self, box: str, *statuses: int) -> None:
        """Do nothing: what was answered is on the tape."""

    def callbacks(self, box: str) -> tuple[Callback, ...]:
        """Return what had come to this mailbox by now."""
        return self._stream.arrived(box)

    def wait(self, box: str, count: int, seconds: float) -> tuple[Callback, ...]:
        """Return what had come to this mailbox by now; nothing more will."""
        return self._stream.arrived(box)

    def close(self) -> None:
        """Do nothing: nothing listens."""


class ReplayAdapter(SoundstageAdapter):
    """The adapter of the taped run, told by the tape; a secret that is not on it cannot be used."""

    def open(self, provider: str, label: str, wanted: Wanted) -> Account:
        """Return the account that was made then, its key and secret placeholders."""
        return _redacted(super().open(provider, label, wanted))


def _redacted(account: Account) -> Account:
    secret = None if account.secret is None else RedactedSecret(account.secret)
    return replace(account, key=RedactedKey(account.key), secret=secret)


class RedactedSecret(str):
    """A webhook secret that is not on the tape: whoever computes with it learns that nothing can be tested."""

    __slots__ = ()

    def encode(self, *given: Any, **more: Any) -> NoReturn:
        """Raise NotTested."""
        raise NotTested("the tape does not have the secret that signs the callbacks")

    def removeprefix(self, *given: Any) -> NoReturn:
        """Raise NotTested."""
        raise NotTested("the tape does not have the secret that signs the callbacks")


class RedactedKey(str):
    """A key that is not on the tape: it can be sent and looked for, and nobody can say how it begins or ends."""

    __slots__ = ()

    def startswith(self, *given: Any) -> NoReturn:
        """Raise NotTested."""
        raise NotTested("the tape does not have the key")

    def endswith(self, *given: Any) -> NoReturn:
        """Raise NotTested."""
        raise NotTested("the tape does not have the key")

    def __getitem__(self, *given: Any) -> NoReturn:
        raise NotTested("the tape does not have the key")
