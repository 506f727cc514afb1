"""The server as a process: ready line, port file, health, metrics, a quick end."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import aiohttp

from support.client import House

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDSTAGE_")}


async def run(*args: str) -> asyncio.subprocess.Process:
    """Start `python -m soundstage` with these arguments."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "soundstage", *args, stdout=pipe, stderr=pipe, env=ENVIRONMENT
    )


async def test_health_ready_and_metrics(stage: House) -> None:
    await stage.client().create()
    async with stage.http.get(f"{stage.url}/health") as reply:
        assert (reply.status, await reply.json()) == (200, {"status": "ok"})
    async with stage.http.get(f"{stage.url}/ready") as reply:
        ready = await reply.json()
        assert (reply.status, ready["status"], ready["store"]) == (200, "ready", "memory")
        assert "midsync" in ready["providers"]
        assert ready["version"]
    async with stage.http.get(f"{stage.url}/metrics") as reply:
        assert reply.content_type == "text/plain"
        text = await reply.text()
    line = 'soundstage_requests_total{operation="createVideo",provider="midsync",status="200"} 1.0'
    assert line in text.splitlines()
    assert "soundstage_universes" in text


async def test_serve_says_ready_writes_its_port_and_ends_within_a_second(tmp_path: Path) -> None:
    file = tmp_path / "port"
    server = await run("serve", "--port", "0", "--port-file", str(file), "--clock", "manual")
    try:
        assert server.stdout is not None
        async with asyncio.timeout(20):
            said = (await server.stdout.readline()).decode()
        word, url = said.split()
        assert word == "READY"
        assert url == f"http://127.0.0.1:{file.read_text().strip()}"
        async with aiohttp.ClientSession() as http, http.get(f"{url}/health") as reply:
            assert reply.status == 200
        began = time.monotonic()
        server.terminate()
        out, err = await server.communicate()
        assert time.monotonic() - began < 1
    finally:
        if server.returncode is None:
            server.kill()
            await server.communicate()
    assert (server.returncode, out) == (0, b"")
    assert b"Traceback" not in err
    assert not file.exists()


async def test_env_prints_the_base_urls() -> None:
    process = await run("env", "--port", "4321")
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert "export MIDSYNC_BASE_URL=http://127.0.0.1:4321/midsync" in out.decode().splitlines()


async def test_a_port_in_use_is_a_sentence_not_a_traceback(stage: House) -> None:
    process = await run("serve", "--port", stage.url.rsplit(":", 1)[1])
    _, err = await process.communicate()
    assert process.returncode != 0
    assert b"cannot listen on 127.0.0.1" in err
    assert b"Traceback" not in err
