"""Drives a Soundstage through its admin API: keys in worlds of their own, manual time, failures, faults, the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from soundstage_contracts.adapters.base import Account, Books, Wanted
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.verdict import AdapterError, NotTested, UnreachableError
from soundstage_contracts.wire import Sender

START = "2026-01-01T00:00:00Z"
AMPLE = Decimal(1_000_000)
_UNIVERSE = "x-soundstage-universe"


class SoundstageAdapter:
    """One running Soundstage; all calls go through `sender`, whose base URL is the server's own."""

    name = "soundstage"

    def __init__(
        self, sender: Sender, token: str | None = None, observe: Callable[[Exchange], None] = lambda exchange: None
    ) -> None:
        """Use the admin API behind `sender`, with its admin token where it has one."""
        self._sender = sender
        self._token = token
        self._observe = observe
        self._rules: dict[str, list[str]] = {}

    def open(self, provider: str, label: str, wanted: Wanted) -> Account:
        """Register a key named after `label`; its universe is emptied and its clock stands at one fixed instant."""
        beside = wanted.beside
        universe = f"verify-{label}" if beside is None else beside.handle
        if beside is None:
            self._ask("POST", "/reset", universe, {"what": "all"})
            self._ask("PUT", "/clock", universe, {"mode": "manual", "now": START})
        user = beside.user if beside is not None and wanted.same_user else f"user-of-{label}"
        balance = AMPLE if wanted.balance is None else wanted.balance
        body = {
            "provider": provider,
            "key": f"sk_test_verify_{label}",
            "balance": None if wanted.same_user and wanted.balance is None else str(balance),
            "type": wanted.kind,
            "scopes": _listed(wanted.scopes),
            "models": _listed(wanted.models),
            "ip_allowlist": _listed(wanted.ip_allowlist),
            "plan": wanted.plan,
            "limits": wanted.limits,
            "role": wanted.role,
            "universe": universe,
            "history": wanted.history or None,
            "revoked": wanted.revoked or None,
            "user": None if wanted.kind == "standalone" else user,
        }
        made = self._ask("POST", "/keys", None, {name: value for name, value in body.items() if value is not None})
        return Account(label, made["key"], made["webhook_secret"], Decimal(made["balance"]), universe, user, wanted)

    def next_event(self, account: Account) -> bool:
        """Advance to the next event; False when nothing is left."""
        if self._ask("GET", "/clock", account.handle)["next_event"] is None:
            return False
        self._advance(account, {"to": "next-event"})
        return True

    def pass_seconds(self, account: Account, seconds: float) -> None:
        """Advance by so many seconds, callbacks included."""
        self._advance(account, {"seconds": seconds})

    def finish(self, account: Account) -> None:
        """Advance until nothing is left to happen."""
        self._advance(account, {"until": "idle"})

    def _advance(self, account: Account, how: Mapping[str, Any]) -> None:
        self._ask("POST", "/clock/advance", account.handle, {**how, "wait": "callbacks", "timeout": 20})

    def fail(self, account: Account, task_id: str, reason: str | None = None) -> None:
        """Make a task fail now."""
        self._ask("POST", f"/tasks/{task_id}/fail", account.handle, {} if reason is None else {"reason": reason})

    def stall(self, account: Account, task_id: str) -> None:
        """Let a task never end by itself."""
        self._ask("POST", f"/tasks/{task_id}/stall", account.handle, {})

    def fault(self, account: Account, name: str, **parameters: Any) -> None:
        """Put a fault rule into the account's universe; `when` aims it, all else is the fault's own."""
        aim = {"when": parameters.pop("when")} if "when" in parameters else {}
        rule = self._ask("POST", "/faults", account.handle, {"fault": name, "with": parameters, **aim})
        self._rules.setdefault(account.handle, []).append(rule["id"])

    def clear_faults(self, account: Account) -> None:
        """Take out of the account's universe every fault rule that was put there by this adapter."""
        for rule in self._rules.pop(account.handle, ()):
            self._ask("DELETE", f"/faults/{quote(rule, safe='')}", account.handle)

    def books(self, account: Account) -> Books:
        """Return the sums of all wallets in the account's universe."""
        wallets = self._ask("GET", "/ledger", account.handle)["wallets"]
        sums = {name: sum((Decimal(one[name]) for one in wallets), Decimal(0)) for name in Books.__slots__}
        return Books(**sums)

    def close(self) -> None:
        """Let the connections go."""
        self._sender.close()

    def _ask(self, method: str, path: str, universe: str | None, body: Mapping[str, Any] | None = None) -> Any:
        request = Request(method, f"/__admin{path}") if body is None else Request.json(f"/__admin{path}", body, method)
        if universe is not None:
            request = request.having(_UNIVERSE, universe)
        if self._token is not None:
            request = request.having("x-soundstage-admin-token", self._token)
        try:
            reply = self._sender.send(request)
        except UnreachableError as error:
            raise AdapterError(f"the adapter got no answer: {error}") from None
        self._observe(Exchange(request, reply, "setup"))
        return _content(request, reply)


def _content(request: Request, reply: Reply) -> Any:
    said = f"the adapter's {request.method} {request.path} was answered with {reply.status}: "
    said += reply.body[:300].decode("utf-8", "replace")
    if 400 <= reply.status < 500:
        # A Soundstage that lacks this fault, scope or plan; whoever refuses everything is none.
        raise NotTested(said)
    if reply.status >= 300:
        raise AdapterError(said)
    try:
        return json.loads(reply.body) if reply.body else None
    except ValueError:
        raise AdapterError(f"{said} is no JSON") from None


def _listed(given: tuple[str, ...] | None) -> list[str] | None:
    return None if given is None else list(given)
