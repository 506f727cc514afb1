"""When the simulator itself breaks, the client gets the provider's own 500, pays nothing and learns nothing of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conftest import OpenStage
from soundstage.core.call import Call, Reply
from soundstage.core.view import Tx
from soundstage.core.wallet import spend


def broken(call: Call, tx: Tx) -> Reply:
    """Take money and break, with what the client sent in the error."""
    spend(tx, call.key.wallet, 1_000_000)
    raise RuntimeError(f"cannot do {call.body}")


@pytest.mark.parametrize(
    ("provider", "path"), [("apikeyorg", "/v1/videos"), ("apikeyorg", "/v1/models"), ("midsync", "/v1/usage/logs")]
)
async def test_a_handler_that_breaks_charges_nothing_and_says_nothing(
    open_stage: OpenStage, provider: str, path: str
) -> None:
    def sabotage(stage: Any) -> None:
        good = stage.world.providers[provider]
        operations = tuple(replace(one, handle=broken) for one in good.operations)
        stage.world.providers._loaded[provider] = replace(good, operations=operations)

    house = await open_stage(sabotage)
    client = house.client() if provider == "midsync" else house.gateway()
    method = "POST" if path == "/v1/videos" else "GET"
    body = {"model": "seedance-2", "prompt": "a secret prompt"} if method == "POST" else None
    answer = await client.call(method, path, body=body)
    assert answer.status == 500
    assert b"secret" not in answer.raw
    assert b"RuntimeError" not in answer.raw
    wallet = await house.admin().wallet()
    assert not wallet or [wallet["available"], wallet["spent"]] == [1000, 0]
    await house.admin().sound()
