"""What a universe holds besides calls: faults, tasks, money, callbacks."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from soundstage.testing.clock import USUAL_SECONDS
from soundstage.testing.line import SoundstageError
from soundstage.testing.twins import twin

Ask = Callable[..., Any]
Record = dict[str, Any]
Records = list[Record]


class Faults:
    """Rules for what goes wrong, in this universe alone."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def add(self, fault: str, /, *, when: Mapping[str, Any] | None = None, **parameters: Any) -> Record:
        """Set a rule: a fault by its name, its own parameters, and what it is aimed at; return it with its id.

        >>> stage.faults.add("http/status", status=503, when={"operation": "create", "first": 2})  # doctest: +SKIP
        """
        return dict(self._ask("POST", "/faults", {"fault": fault, "with": parameters, "when": dict(when or {})}))

    def list(self) -> Records:
        """Return the rules, each with how often it matched and acted, in the order in which they act."""
        return list(self._ask("GET", "/faults")["rules"])

    def remove(self, rule_id: str) -> None:
        """Remove one rule."""
        self._ask("DELETE", f"/faults/{rule_id}")

    def clear(self) -> None:
        """Remove every rule set so far; a scenario stays in force."""
        self._ask("DELETE", "/faults")

    aadd = twin(add)
    alist = twin(list)  # noqa: A003 - this class's own
    aremove = twin(remove)
    aclear = twin(clear)


class Tasks:
    """Tasks, the oldest first; ids are those the provider's client sees."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, *, provider: str | None = None, state: str | None = None) -> Records:
        """Return the tasks, of one provider or in one state (waiting, running, succeeded, failed, cancelled)."""
        found: Records = []
        cursor = None
        while True:
            query = {"provider": provider, "state": state, "limit": 500, "cursor": cursor}
            page = self._ask("GET", "/tasks", query=query)
            found += page["tasks"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found[::-1]

    def get(self, task_id: str) -> Record:
        """Return one task whole: timeline, ledger, callbacks, and an explanation in words."""
        return dict(self._ask("GET", f"/tasks/{task_id}"))

    def complete(self, task_id: str) -> Record:
        """End a task now, successfully."""
        return dict(self._ask("POST", f"/tasks/{task_id}/complete", {}))

    def fail(self, task_id: str, reason: str | None = None) -> Record:
        """End a task now as failed."""
        return dict(self._ask("POST", f"/tasks/{task_id}/fail", {"reason": reason}))

    def stall(self, task_id: str) -> Record:
        """Let a task never end by itself."""
        return dict(self._ask("POST", f"/tasks/{task_id}/stall", {}))

    alist = twin(list)  # noqa: A003 - this class's own
    aget = twin(get)
    acomplete = twin(complete)
    afail = twin(fail)
    astall = twin(stall)


class Ledger:
    """Money. Amounts in records are decimal strings in the provider's credits."""

    def __init__(self, ask: Ask, key_ids: Mapping[str, str]) -> None:
        self._ask = ask
        self._key_ids = key_ids

    def balance(self, provider: str) -> Decimal:
        """Return what this universe's key can still spend at a provider, in credits."""
        if provider not in self._key_ids:
            known = ", ".join(self._key_ids)
            raise SoundstageError("unknown_provider", f"provider must be one of {known}, got {provider!r}")
        wallets = (one for one in self.wallets() if one["key_id"] == self._key_ids[provider])
        return Decimal(next(wallets)["available"])

    def wallets(self) -> Records:
        """Return every wallet with what was issued to it, is available, held and spent."""
        return list(self._ask("GET", "/ledger")["wallets"])

    def entries(self) -> Records:
        """Return every movement, the oldest first."""
        return list(self._ask("GET", "/ledger")["entries"])

    abalance = twin(balance)
    awallets = twin(wallets)
    aentries = twin(entries)


class Callbacks:
    """Callbacks and the attempts to deliver them, the oldest first."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, *, task_id: str | None = None, state: str | None = None) -> Records:
        """Return the callbacks, of one task or in one state (pending, delivered, exhausted, ...)."""
        query = {"task_id": task_id, "state": state, "limit": 1000}
        return list(reversed(self._ask("GET", "/deliveries", query=query)["deliveries"]))

    def wait_for(
        self,
        count: int = 1,
        timeout: float = USUAL_SECONDS,
        *,
        task_id: str | None = None,
        state: str = "delivered",
    ) -> Records:
        """Return the callbacks as soon as `count` are in `state`; raises AssertionError after `timeout` seconds."""
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

    def resend(self, delivery_id: str) -> Record:
        """Make one more attempt now, with the same event id and body."""
        return dict(self._ask("POST", f"/deliveries/{delivery_id}/resend", {}))

    alist = twin(list)  # noqa: A003 - this class's own
    await_for = twin(wait_for)
    aresend = twin(resend)


def _last(delivery: Record) -> str:
    attempts = delivery["attempts"]
    if not attempts:
        return "no attempt so far"
    return f"the last of {len(attempts)} attempts answered by {attempts[-1]['error'] or attempts[-1]['status']}"


def believed(beliefs: Any) -> Records:
    """Return what an app believes of its tasks as a list; it may also come as an object with the list in it."""
    return [dict(one) for one in (beliefs["believes"] if isinstance(beliefs, Mapping) else beliefs)]
