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


async def test_the_files_of_a_killed_server_go_when_the_next_one_keeps_some(tmp_path: Path) -> None:
    """Those of servers that live stay, and so does what is nobody's."""
    store = "from soundstage.store.blobs import BlobStore; b = BlobStore(); w = b.writer('u'); w.add(b'x'); w.finish()"
    wait = "; print(b._folder.name, flush=True); input()"
    env = {**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    pipe = asyncio.subprocess.PIPE

    async def begin() -> tuple[asyncio.subprocess.Process, Path]:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-c", store + wait, stdin=pipe, stdout=pipe, env=env
        )
        assert started.stdout is not None
        async with asyncio.timeout(20):
            return started, Path((await started.stdout.readline()).decode().strip())

    (tmp_path / "soundstage-of-somebody").mkdir()
    killed, left = await begin()
    living, kept = await begin()
    killed.kill()
    await killed.communicate()
    assert left.is_dir()
    third, _ = await begin()
    try:
        assert not left.exists()
        assert [path.is_dir() for path in (kept, tmp_path / "soundstage-of-somebody")] == [True, True]
    finally:
        for one in (living, third):
            await one.communicate(b"\n")


async def test_a_server_that_keeps_no_file_makes_no_folder(stage: House) -> None:
    async with stage.http.get(f"{stage.url}/cdn/x/{'0' * 64}.png") as reply:
        assert reply.status == 404
    await stage.admin().post("/reset", {"what": "all"})
    assert stage.stage.blobs._folder is None
    assert stage.stage.blobs.path("u", "0" * 64) is None
    assert stage.stage.blobs._folder is None
