"""What a universe holds besides calls: faults, tasks, money, callbacks."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from soundstage.testing.clock import USUAL_SECONDS
from soundstage.testing.line import SoundstageError, every_page
from soundstage.testing.shapes import (
    Ask,
    Callback,
    CallbackState,
    FaultRule,
    LedgerEntry,
    State,
    Task,
    Wallet,
    WholeTask,
)
from soundstage.testing.twins import twin

# A class with a method `list` cannot write list[...] below it.
Rules = list[FaultRule]
SomeTasks = list[Task]
SomeCallbacks = list[Callback]


class Faults:
    """Rules for what goes wrong, in this universe alone; `soundstage faults` lists what there is."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def add(self, fault: str, /, *, when: Mapping[str, Any] | None = None, **parameters: Any) -> FaultRule:
        """Set a rule: a fault by its name, its own parameters, and what it is aimed at; return it with its id.

        Raises SoundstageError that says what there is for a fault, a parameter or an aim that is not known.

        >>> stage.faults.add("http/status", status=503, when={"operation": "create", "first": 2})  # doctest: +SKIP
        """
        body = {"fault": fault, "with": parameters, "when": dict(when or {})}
        rule: FaultRule = self._ask("POST", "/faults", body)
        return rule

    def list(self) -> Rules:
        """Return the rules, each with how often it matched and acted, in the order in which they act."""
        return list(self._ask("GET", "/faults")["rules"])

    def remove(self, rule_id: str) -> None:
        """Remove one rule; raises SoundstageError when there is none of this id."""
        self._ask("DELETE", f"/faults/{rule_id}")

    def clear(self) -> None:
        """Remove every rule set so far; a scenario stays in force."""
        self._ask("DELETE", "/faults")

    aadd = twin(add)
    alist = twin(list)  # noqa: A003 - this class's own
    aremove = twin(remove)
    aclear = twin(clear)


class Tasks:
    """Tasks, the oldest first; ids are those the provider's client sees.

    Methods that take one raise SoundstageError when there is no such task; those that end one, when it has ended.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, *, provider: str | None = None, state: State | None = None) -> SomeTasks:
        """Return the tasks, of one provider or in one state."""
        query = {"provider": provider, "state": state, "limit": 500}
        return every_page(self._ask, "/tasks", "tasks", query)[::-1]

    def get(self, task_id: str) -> WholeTask:
        """Return one task whole: timeline, ledger, callbacks, faults, and an explanation in words."""
        task: WholeTask = self._ask("GET", f"/tasks/{task_id}")
        return task

    def complete(self, task_id: str) -> WholeTask:
        """End a task now, successfully."""
        return self._end(task_id, "complete", {})

    def fail(self, task_id: str, reason: str | None = None) -> WholeTask:
        """End a task now as failed; the reason is what the provider's client reads."""
        return self._end(task_id, "fail", {"reason": reason})

    def stall(self, task_id: str) -> WholeTask:
        """Let a task never end by itself."""
        return self._end(task_id, "stall", {})

    alist = twin(list)  # noqa: A003 - this class's own
    aget = twin(get)
    acomplete = twin(complete)
    afail = twin(fail)
    astall = twin(stall)

    def _end(self, task_id: str, verb: str, body: Mapping[str, Any]) -> WholeTask:
        task: WholeTask = self._ask("POST", f"/tasks/{task_id}/{verb}", body)
        return task


class Ledger:
    """Money. Amounts in records are decimal strings in the provider's credits."""

    def __init__(self, ask: Ask, key_ids: Mapping[str, str]) -> None:
        self._ask = ask
        self._key_ids = key_ids

    def balance(self, provider: str) -> Decimal:
        """Return what this universe's key can still spend at a provider, in credits.

        Raises SoundstageError for a provider there is none of.
        """
        if provider not in self._key_ids:
            known = ", ".join(self._key_ids)
            raise SoundstageError("unknown_provider", f"provider must be one of {known}, got {provider!r}")
        wallets = (one for one in self.wallets() if one["key_id"] == self._key_ids[provider])
        return Decimal(next(wallets)["available"])

    def wallets(self) -> list[Wallet]:
        """Return every wallet with what was issued to it, is available, held and spent."""
        return list(self._ask("GET", "/ledger")["wallets"])

    def entries(self) -> list[LedgerEntry]:
        """Return every movement, the oldest first."""
        return list(self._ask("GET", "/ledger")["entries"])

    abalance = twin(balance)
    awallets = twin(wallets)
    aentries = twin(entries)


class Callbacks:
    """Callbacks and the attempts to deliver them, the oldest first.

    States: `pending` awaits an attempt and `in_flight` an answer, `delivered` was taken, `exhausted` refused to the
    last attempt, `refused` at once and for good, `blocked` leads where this server may not call, `dropped` is not sent.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, *, task_id: str | None = None, state: CallbackState | None = None) -> SomeCallbacks:
        """Return the callbacks, of one task or in one state."""
        query = {"task_id": task_id, "state": state, "limit": 1000}
        return every_page(self._ask, "/deliveries", "deliveries", query)[::-1]

    def wait_for(
        self,
        count: int = 1,
        timeout: float = USUAL_SECONDS,
        *,
        task_id: str | None = None,
        state: CallbackState = "delivered",
    ) -> SomeCallbacks:
        """Return the callbacks as soon as `count`, at most 1,000, are in `state`; a `timeout` is at most 60 seconds.

        Raises AssertionError when it is over.
        """
        __tracebackhide__ = True
        query = {"count": count, "timeout": f"{timeout:.3f}", "task_id": task_id, "state": state}
        answer = self._ask("GET", "/deliveries/wait", query=query, seconds=timeout)
        if answer["reached"]:
            return list(reversed(answer["deliveries"]))
        every = self.list()
        came = f"{len(answer['deliveries'])} of {len(every)} are"
        lines = [
            f"expected {count} callbacks {state} within {timeout:g} s; {came}",
            "if their receiver lives in the event loop or thread that waits here, use await callbacks.await_for()",
            *(f"  {one['task_id']} {one['event']} to {one['url']}: {one['state']}, {_last(one)}" for one in every[-5:]),
        ]
        raise AssertionError("\n".join(lines))

    def resend(self, delivery_id: str) -> Callback:
        """Make one more attempt now, with the same event id and body.

        Raises SoundstageError when there is no such callback, or an attempt is under way.
        """
        sent: Callback = self._ask("POST", f"/deliveries/{delivery_id}/resend", {})
        return sent

    alist = twin(list)  # noqa: A003 - this class's own
    await_for = twin(wait_for)
    aresend = twin(resend)


def _last(delivery: Callback) -> str:
    attempts = delivery["attempts"]
    if not attempts:
        return "no attempt so far"
    return f"the last of {len(attempts)} attempts answered by {attempts[-1]['error'] or attempts[-1]['status']}"


def believed(beliefs: Any) -> list[dict[str, Any]]:
    """Return what an app believes of its tasks as a list; it may also come as an object with the list in it."""
    return [dict(one) for one in (beliefs["believes"] if isinstance(beliefs, Mapping) else beliefs)]
