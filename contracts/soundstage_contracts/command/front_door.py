"""Looks at what answers before anything is tried, and says in one sentence when it is not the provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from soundstage_contracts.command.outcome import Exit
from soundstage_contracts.documents import providers
from soundstage_contracts.documents.contract import Contract
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Driver, ErrorView
from soundstage_contracts.exchange import Reply
from soundstage_contracts.verdict import Outcome, UnreachableError
from soundstage_contracts.wire import LiveSender

NO_TASK = "task_that_nobody_made"


class WrongTargetError(Exception):
    """What answers is not what should be verified; the message is one sentence, `code` what to exit with."""

    def __init__(self, says: str, code: Exit) -> None:
        """Keep the sentence and the exit code."""
        super().__init__(says)
        self.code = code


def knock(driver: Driver, contract: Contract, sender: LiveSender, key: str | None) -> None:
    """Raise WrongTargetError unless the provider answers and takes the key; only requests that read are sent."""
    where = sender.base_url
    reply = _asked(driver, sender, key, where)
    if reply.status in {502, 503, 504}:
        raise WrongTargetError(f"{where} answers {reply.status}: what should be there does not run.", Exit.UNREACHABLE)
    if reply.status // 100 == 3:
        there = (reply.header("location") or "")[:200]
        raise WrongTargetError(f"{where} sends every caller on to {there!r}; give that address itself.", Exit.BROKEN)
    if key is not None and reply.status in {401, 403} and _error(driver, reply) is not None:
        raise WrongTargetError(f"{where} refuses the key: {_message(driver, reply)}", Exit.USAGE)
    if not is_at_home(driver, contract, reply):
        elsewhere = _elsewhere(driver, where, sender, key)
        if elsewhere or not _likely(driver, reply, keyed=key is not None):
            raise WrongTargetError(elsewhere or _not_it(driver, reply, where), Exit.BROKEN)
    if key is not None:
        _take_key(driver, sender, key, where)


def is_at_home(driver: Driver, contract: Contract, reply: Reply) -> bool:
    """Return whether a reply to the front door's request can only be the provider's.

    Where no call that only reads succeeds, the front door is a task that nobody has, and its refusal tells who it is.
    """
    if reply.status == 200 and reply.media_type.endswith("json"):
        return not any(contract.problems(driver.front_door(), reply))
    rule, error = driver.errors["not_found"], _error(driver, reply)
    return (
        _asks_for_a_task(driver, contract)
        and error is not None
        and (reply.status, error.code) == (rule.status, rule.code)
    )


def _likely(driver: Driver, reply: Reply, *, keyed: bool) -> bool:
    """Return whether a refusal may be the provider's: one for want of a key, or of a task in words of its own."""
    refusals = {400, 404} if keyed and _asks_for_a_task(driver, Contract(driver.id, assumptions=False)) else {401}
    return reply.status in refusals and not (keyed and reply.status == 401) and _error(driver, reply) is not None


def _asks_for_a_task(driver: Driver, contract: Contract) -> bool:
    request = driver.front_door()
    operation = contract.operation(request.method, request.path)
    return operation is not None and "{" in operation.path


def _asked(driver: Driver, sender: LiveSender, key: str | None, where: str) -> Reply:
    request = driver.front_door()
    if key is not None:
        request = driver.authorize(request, key, driver.key_forms[0])
    try:
        return sender.send(request)
    except UnreachableError as error:
        raise WrongTargetError(f"Nobody is there: {error}.", Exit.UNREACHABLE) from None


def _take_key(driver: Driver, sender: LiveSender, key: str, where: str) -> None:
    """Ask for a task that does not exist, which every provider answers only to a key it knows."""
    request = driver.authorize(driver.poll(NO_TASK, driver.creations()[0]), key, driver.key_forms[0])
    try:
        reply = sender.send(request)
    except UnreachableError as error:
        raise WrongTargetError(f"Nobody is there any more: {error}.", Exit.UNREACHABLE) from None
    if reply.status == 401:
        raise WrongTargetError(f"{where} refuses the key: {_message(driver, reply)}", Exit.USAGE)


def _not_it(driver: Driver, reply: Reply, where: str) -> str:
    """Return the sentence that says what answers instead of the provider, as far as one reply tells."""
    if not _is_json(reply):
        kind = {"text/html": "a web page", "": "something without a content type"}.get(
            reply.media_type, reply.media_type
        )
        return f"{where} answers with {kind[:60]} (status {reply.status}), not with {driver.title}'s API."
    asked = driver.front_door()
    says = reply.body[:120].decode("utf-8", "replace")
    return f"{where} is not {driver.title}: {asked.method} {asked.path} answers {reply.status} with {says!r}."


def _elsewhere(driver: Driver, where: str, sender: LiveSender, key: str | None) -> str:
    """Return the sentence that says which other provider this is, or that ours is one level deeper; else nothing."""
    if any(_answers(other, f"{where}/{other.id}", sender, key) for other in _drivers()):
        return f"{where} is one level too high; {driver.title} is at {where}/{driver.id}."
    others = [other.title for other in _drivers() if other.id != driver.id and _answers(other, where, sender, key)]
    return f"{where} is {others[0]}, not {driver.title}." if len(others) == 1 else ""


def _answers(driver: Driver, base_url: str, sender: LiveSender, key: str | None) -> bool:
    """Return whether this provider is behind a base URL; only asked where asking is a GET."""
    request = driver.front_door()
    if request.method != "GET":
        return False
    if key is not None:
        request = driver.authorize(request, key, driver.key_forms[0])
    try:
        reply = sender.send(replace(request, path=base_url + request.path))
    except UnreachableError:
        return False
    return is_at_home(driver, Contract(driver.id, assumptions=False), reply)


def _drivers() -> Iterator[Driver]:
    for provider in providers():
        try:
            yield driver_of(provider)
        except KeyError:
            continue


def _is_json(reply: Reply) -> bool:
    try:
        reply.json()
    except Outcome:
        return False
    return True


def _error(driver: Driver, reply: Reply) -> ErrorView | None:
    try:
        return driver.error(reply)
    except Outcome:
        return None


def _message(driver: Driver, reply: Reply) -> str:
    """Return what a refusal says, in one line."""
    error = _error(driver, reply)
    return " ".join(str(error.message).split())[:200] if error is not None else f"it answers {reply.status}"
