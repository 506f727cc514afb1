"""What is no provider, another one, or refuses the key is told in one sentence before anything is tried."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner, Result

from soundstage.cli import main
from soundstage_contracts.command.simulator import Simulator

KEY = "sk_live_a-key-nobody-should-see"
PROVIDERS = ("midsync", "revidapi", "v2gateway", "apikeyorg")
Serve = Callable[[int, str, bytes], str]


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with Simulator() as running:
        yield running.url


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that answer everything alike."""
    servers = []

    def begin(status: int, content_type: str, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *given: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def verify(*words: str) -> Result:
    return CliRunner().invoke(main, ["verify", *words], env={"GITHUB_STEP_SUMMARY": None})


def one_sentence(result: Result) -> str:
    """Return the only line there is; a traceback or a second line fails."""
    (line,) = [line for line in result.output.splitlines() if line]
    assert KEY not in line
    return line


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@pytest.mark.parametrize("adapter", [("--api-key", KEY), ("--adapter", "soundstage")])
def test_nothing_there_is_one_sentence_and_exit_code_3(adapter: tuple[str, str]) -> None:
    with closed_port() as port:
        result = verify("midsync", "--base-url", f"http://127.0.0.1:{port}", *adapter)
    assert result.exit_code == 3
    assert one_sentence(result) == f"Nobody is there: http://127.0.0.1:{port} gave no answer: Connection refused."


def test_a_gateway_with_nothing_behind_it_is_exit_code_3(serve: Serve) -> None:
    result = verify("midsync", "--base-url", serve(503, "text/html", b"<h1>no"), "--api-key", KEY)
    assert result.exit_code == 3
    assert "answers 503" in one_sentence(result)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "kind", "body", "says"),
    [
        (200, "text/html", b"<!doctype html><title>Hello</title>", "answers with a web page (status 200)"),
        (404, "text/html", b"<h1>Not Found</h1>", "answers with a web page (status 404)"),
        (200, "application/json", b"<html>", "answers with application/json (status 200)"),
        (200, "application/json", b'{"hello": "world"}', "answers 200 with"),
        (404, "application/json", b'{"message": "no such route"}', "answers 404 with"),
        (200, "application/json", b"[" * 100_000, "answers with application/json"),
        (302, "text/html", b"", "sends every caller on to"),
    ],
)
def test_what_is_no_provider_is_one_sentence_and_exit_code_1(
    serve: Serve, provider: str, status: int, kind: str, body: bytes, says: str
) -> None:
    result = verify(provider, "--base-url", serve(status, kind, body), "--api-key", KEY)
    assert (result.exit_code, says in one_sentence(result)) == (1, True), result.output


STRANGERS = [(asked, there) for asked in PROVIDERS for there in ("midsync", "revidapi", "apikeyorg") if asked != there]


@pytest.mark.parametrize(("asked", "there"), STRANGERS)
@pytest.mark.parametrize("access", [("--api-key", KEY), ("--adapter", "soundstage")])
def test_another_provider_is_called_by_its_name(
    simulator: str, asked: str, there: str, access: tuple[str, str]
) -> None:
    result = verify(asked, "--base-url", f"{simulator}/{there}/v1", *access)
    name = {"midsync": "MidSync", "revidapi": "RevidAPI", "apikeyorg": "API-Key"}[there]
    assert result.exit_code == 1
    assert one_sentence(result).startswith(f"{simulator}/{there} is {name}, not ")


@pytest.mark.parametrize("asked", PROVIDERS)
def test_an_address_above_the_provider_is_told_with_the_right_one(simulator: str, asked: str) -> None:
    result = verify(asked, "--base-url", simulator, "--api-key", KEY)
    assert result.exit_code == 1
    assert one_sentence(result).endswith(f"is at {simulator}/{asked}.")


@pytest.mark.parametrize("asked", PROVIDERS)
def test_a_refused_key_is_one_sentence_and_exit_code_2(simulator: str, asked: str) -> None:
    result = verify(asked, "--base-url", f"{simulator}/{asked}", "--api-key", f"{KEY}_revoked")
    assert result.exit_code == 2
    assert "refuses the key" in one_sentence(result)
