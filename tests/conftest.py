"""Fixtures of all tests: a stage on a free port with a manual clock, and a receiver of callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from soundstage.app import create_app
from soundstage.settings import Settings
from support.client import House
from support.receiver import Receiver

OpenStage = Callable[..., Awaitable[House]]


@pytest.fixture
async def open_stage() -> AsyncIterator[OpenStage]:
    """Start stages with settings of one's own; all end with the test."""
    async with AsyncExitStack() as stack:

        async def begin(prepare: Callable[[Any], None] | None = None, **settings: Any) -> House:
            given: dict[str, Any] = {"port": 0, "clock": "manual", "seed": 7, **settings}
            stage = create_app(Settings(**given))
            if prepare is not None:
                prepare(stage)
            http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
            await stage.start()
            stack.push_async_callback(stage.stop)
            return House(stage, http)

        yield begin


@pytest.fixture
async def stage(open_stage: OpenStage) -> House:
    """Return a stage with a manual clock and seed 7."""
    return await open_stage()


@pytest.fixture
async def open_receiver() -> AsyncIterator[Callable[[], Awaitable[Receiver]]]:
    """Start as many receivers as are needed."""
    async with AsyncExitStack() as stack:

        async def begin() -> Receiver:
            made = Receiver()
            await made.start()
            stack.push_async_callback(made.stop)
            return made

        yield begin


@pytest.fixture
async def receiver(open_receiver: Callable[[], Awaitable[Receiver]]) -> Receiver:
    """Return a receiver that answers 200."""
    return await open_receiver()
