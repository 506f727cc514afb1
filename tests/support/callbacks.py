"""What tests of callbacks share: three ways to be called back, a client, a receiver, a judge of signatures."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from support.client import Admin, Answer, Client, House
from support.receiver import Callback, Receiver
from support.ways import GATEWAY, MIDSYNC, UNSIGNED, Way

__all__ = (
    "APPLIED",
    "ASKED",
    "EVERY",
    "GATEWAY",
    "KEY",
    "MIDSYNC",
    "OLD",
    "SIGNED",
    "UNSIGNED",
    "Scene",
    "Way",
    "api_key_signature",
    "begun",
    "genuine",
    "seconds",
)

KEY = "sk_test_called"
APPLIED, ASKED = "X-Soundstage-Fault-Applied", "X-Soundstage-Fault"
# What a key's secret may have been before, in the form of each provider that signs.
OLD = {"midsync": f"whsec_{'b2xk' * 11}", "apikeyorg": f"sec_{'0a' * 24}"}


# For tests of all who call back, and of those who sign.
EVERY = pytest.mark.parametrize("way", [MIDSYNC, GATEWAY, UNSIGNED], ids=lambda way: way.provider)
SIGNED = pytest.mark.parametrize("way", [MIDSYNC, GATEWAY], ids=lambda way: way.provider)


@dataclass
class Scene:
    """One provider's client with a receiver, and what its key's secret is."""

    way: Way
    house: House
    receiver: Receiver
    secret: str

    @property
    def admin(self) -> Admin:
        """The admin of this key's universe."""
        return self.house.admin(KEY)

    @property
    def client(self) -> Client:
        """A client whose every reply is judged."""
        return Client(self.house.http, f"{self.house.url}/{self.way.provider}", KEY, self.way.provider)

    async def rule(self, fault: str, when: Mapping[str, Any] | None = None, **given: Any) -> None:
        """Set a rule."""
        await self.admin.post("/faults", {"fault": fault, "with": given, "when": dict(when or {})})

    async def ask(self, *, asked: str = "", **fields: Any) -> Answer:
        """Make a create call, which must succeed; `asked` is its fault header."""
        headers = {ASKED: asked} if asked else None
        body = {**self.way.body, self.way.hook: self.receiver.url, **fields}
        answer = await self.client.call("POST", self.way.create, body=body, headers=headers)
        assert answer.status == 200, answer.raw
        return answer

    async def create(self, *, asked: str = "", **fields: Any) -> str:
        """Create a task and return its id."""
        return str((await self.ask(asked=asked, **fields))[self.way.reply_id])

    async def done(self, task: str) -> None:
        """Let a task succeed now, before anybody is called back."""
        await self.admin.post(f"/tasks/{task}/complete")

    async def poll(self, task: str) -> Any:
        """Return a task's body."""
        answer = await self.client.get(self.way.poll.format(task))
        assert answer.status == 200, answer.raw
        return answer.body

    def genuine(self, one: Callback, secret: str = "") -> bool:
        """Let somebody else's code judge a callback's signature."""
        return genuine(self.way, secret or self.secret, one)

    async def delivery(self) -> Any:
        """Return the only callback there is."""
        (only,) = await self.admin.deliveries()
        return only


def genuine(way: Way, secret: str, one: Callback) -> bool:
    """Tell whether a receiver that does all it should accepts this callback."""
    if way.provider == "midsync":
        try:
            Webhook(secret).verify(one.raw.decode(), dict(one.headers))
        except WebhookVerificationError:
            return False
        return True
    if way.provider == "v2gateway":
        return True
    at, sent = one.headers["x-api-key-timestamp"], one.headers.get("x-api-key-signature", "")
    fresh = abs(datetime.now(UTC).timestamp() - int(at)) <= 300
    return fresh and hmac.compare_digest(api_key_signature(secret, at, one.raw), sent)


def api_key_signature(secret: str, at: str, raw: bytes) -> str:
    """Sign as API-Key's page says, with nothing but the standard library."""
    return hmac.new(secret.encode(), at.encode() + b"." + raw, sha256).hexdigest()


def seconds(text: str) -> float:
    """Return an ISO instant in seconds."""
    return datetime.fromisoformat(text).timestamp()


async def begun(way: Way, house: House, receiver: Receiver) -> Scene:
    """Register the key with one provider."""
    registered = await house.admin(KEY).register(way.provider, key=KEY, balance="100000")
    return Scene(way, house, receiver, str(registered["webhook_secret"]))
