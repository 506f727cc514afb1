"""A bare signed aiohttp poster: what one core can deliver when it keeps no record of its deliveries.

*base* uses it for its callbacks; run alone it posts one body as fast as it can and prints a JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import json
import time

import aiohttp
from event_loop import run

SECRET = b"a benchmark's secret, 32 bytes.."
WORKERS = 64


def signed(event_id: str, body: bytes) -> dict[str, str]:
    """Headers of one delivery, signed the Standard Webhooks way."""
    stamp = str(int(time.time()))
    digest = hmac.digest(SECRET, b"%b.%b.%b" % (event_id.encode(), stamp.encode(), body), "sha256")
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def session() -> aiohttp.ClientSession:
    """One client with a connection for each worker."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=WORKERS))


async def post(client: aiohttp.ClientSession, url: str, event_id: str, body: bytes) -> bool:
    """Deliver once; True when the receiver took it."""
    async with client.post(url, data=body, headers=signed(event_id, body)) as reply:
        await reply.read()
        return reply.status < 300


class Poster:
    """A queue of deliveries and the workers that send them."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, str, bytes]] = asyncio.Queue()
        self.client = session()
        self.workers = [asyncio.create_task(self.work()) for _ in range(WORKERS)]

    def put(self, url: str, event_id: str, body: bytes) -> None:
        """Queue one delivery."""
        self.queue.put_nowait((url, event_id, body))

    async def work(self) -> None:
        """Send what is queued, for ever; a refused delivery is dropped and so shows up as lost."""
        while True:
            try:
                await post(self.client, *await self.queue.get())
            except aiohttp.ClientError:
                continue

    async def close(self) -> None:
        """Stop the workers and close the connections."""
        for worker in self.workers:
            worker.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)
        await self.client.close()


async def flood(url: str, seconds: float, size: int) -> float:
    """Deliver a body of *size* bytes over and over for *seconds*; deliveries per second."""
    body = json.dumps({"fill": "x" * max(0, size - 12)}).encode()
    deadline = time.perf_counter() + seconds

    async def work(number: int) -> int:
        done = 0
        while time.perf_counter() < deadline:
            done += await post(client, url, f"event_{number}_{done}", body)
        return done

    async with session() as client:
        begun = time.perf_counter()
        done = sum(await asyncio.gather(*(work(number) for number in range(WORKERS))))
        return done / (time.perf_counter() - begun)


def main() -> None:
    """Read the command line, flood the receiver, print the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--size", type=int, default=350, help="bytes of a body")
    arguments = parser.parse_args()
    print(json.dumps({"rate": run(flood(arguments.url, arguments.seconds, arguments.size))}))


if __name__ == "__main__":
    main()
