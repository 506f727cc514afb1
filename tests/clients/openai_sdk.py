"""How the tables of the OpenAI SDK reach the server, and the few requests they share."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from behaviours import Server
from openai import AsyncOpenAI, OpenAI

CHAT = "gpt-5-mini"
EMBEDDING = "text-embedding-3-small"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
QUESTION = [{"role": "user", "content": "Describe a lighthouse at night in two sentences."}]


@cache
def client(server: Server, key: str | None = None) -> OpenAI:
    """Return a client that repeats nothing, so that a wrong answer is seen at once."""
    return OpenAI(base_url=server.api, api_key=key or server.key, max_retries=0, timeout=10)


def async_client(server: Server) -> AsyncOpenAI:
    """Return the same for asyncio; its connections belong to one event loop."""
    return AsyncOpenAI(base_url=server.api, api_key=server.key, max_retries=0, timeout=10)


def ask(server: Server, **given: Any) -> Any:
    """Ask the small chat model, the usual question unless messages are given."""
    return client(server).chat.completions.create(**{"model": CHAT, "messages": QUESTION, **given})


def text_of(completion: Any) -> str:
    """Return the first answer's text, which there must be."""
    text = completion.choices[0].message.content
    assert isinstance(text, str), completion
    assert text.strip(), completion
    return text
