"""`soundstage verify` says in one sentence what is wrong with a target, and leaves its reports however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import soundstage_contracts.report.document as document_module
from soundstage.cli import main
from soundstage_contracts.command.options import Options
from soundstage_contracts.command.run import Run
from soundstage_contracts.command.simulator import Simulator
from soundstage_contracts.exchange import Exchange

KEY = "sk_live_a-key-nobody-should-see"
PROVIDERS = ("midsync", "revidapi", "v2gateway", "apikeyorg")
SCHEMA = json.loads((Path(document_module.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
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


@pytest.mark.parametrize("asked", PROVIDERS)
@pytest.mark.parametrize("there", ["midsync", "revidapi", "apikeyorg"])
@pytest.mark.parametrize("access", [("--api-key", KEY), ("--adapter", "soundstage")])
def test_another_provider_is_called_by_its_name(
    simulator: str, asked: str, there: str, access: tuple[str, str]
) -> None:
    if asked == there:
        pytest.skip("the right one")
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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "say which provider"),
        (["nobody"], "there is no provider 'nobody'"),
        (["midsync", "--base-url", "http://127.0.0.1:1"], "--base-url needs --api-key"),
        (["midsync", "--base-url", "localhost:4090", "--api-key", "k"], "needs a scheme"),
        (["midsync", "--adapter", "none"], "without --base-url a simulator is started"),
        (["all", "--base-url", "http://127.0.0.1:1", "--api-key", "k"], "`all` needs a Soundstage"),
        (["midsync", "--max-credits", "-1"], "no number of credits"),
        (["midsync", "--max-credits", "NaN"], "no number of credits"),
        (["midsync", "--layers", "L2,L9"], "L9 is no layer"),
        (["midsync", "--report-json", "no/such/folder/r.json"], "there is no folder"),
        (["--explain", "MID-NOTHING-999"], "there is no promise"),
        (["--tape", __file__], "is no tape"),
    ],
)
def test_a_mistaken_command_says_what_to_do_and_exits_with_2(words: list[str], says: str) -> None:
    result = verify(*words)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


def test_the_catalogue_lists_every_promise_of_a_provider_with_its_sources() -> None:
    result = verify("midsync", "--list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert all(re.match(r"MID-[A-Z]+-\d{3} +\S.*\[.*\]$", line) for line in lines)
    assert any(line.startswith("MID-MONEY-001 ") for line in lines)


def test_one_promise_is_explained_by_the_id_of_any_of_its_results() -> None:
    assert verify("--explain", "MID-MONEY-001").output == verify("--explain", "money-001[some case]").output
    assert "R-MID-" in verify("--explain", "MID-MONEY-001").output


def test_what_is_kept_exits_with_0_and_counts_each_verdict_apart(simulator: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    result = verify(
        "midsync", "--base-url", f"{simulator}/midsync", "--adapter", "soundstage", "--only", "MONEY-001",
        "--layers", "L2", "--summary", str(summary),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert re.search(
        r"MidSync: kept \(\d+ PASS, 0 FAIL, 0 NOT_REACHED, \d+ NOT_TESTED, \d+ NOT_APPLICABLE; ", result.output
    )
    assert "| PASS | FAIL | NOT_REACHED | NOT_TESTED | NOT_APPLICABLE |" in summary.read_text(encoding="utf-8")


def test_what_is_broken_exits_with_1_and_names_the_promise_with_a_command(tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    scenario.write_text(
        "name: wrong\ndescription: Quotes are wrong.\nfaults:\n  - fault: money/quote-wrong\n", encoding="utf-8"
    )
    with Simulator("--scenario", str(scenario)) as wrong:
        result = verify(
            "midsync", "--base-url", f"{wrong.url}/midsync", "--adapter", "soundstage", "--only", "MONEY",
            "--layers", "L2", "--report-junit", str(tmp_path / "r.xml"),
        )  # fmt: skip
    assert result.exit_code == 1, result.output
    assert re.search(r"FAIL +MID-MONEY-\d{3}", result.output)
    assert 'curl -sS -i -X POST "$BASE_URL"' in result.output
    assert ET.parse(tmp_path / "r.xml").findall(".//failure")


def _valid(path: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(SCHEMA).iter_errors(told)) == []
    return told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_whole_reports_and_calls_the_rest_not_tested(
    tmp_path: Path, number: signal.Signals
) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    words = [word for name, path in files.items() for word in (f"--report-{name}", str(path))]
    command = [sys.executable, "-m", "soundstage", "verify", "all", "--layers", "L2", *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("... 100 "):
                break
        # CI systems send it more than once.
        process.send_signal(number)
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    told = json.loads(json.dumps(_valid(files["json"])))
    assert told["interrupted"] is True
    assert [one["provider"] for one in told["providers"]] == sorted(PROVIDERS)
    first = told["providers"][0]["results"]
    assert sum(one["verdict"] == "PASS" for one in first) >= 50
    assert {one["says"] for one in told["providers"][-1]["results"]} == {"interrupted"}
    assert {one["verdict"] for one in told["providers"][-1]["results"]} == {"NOT_TESTED"}
    root = ET.parse(files["junit"]).getroot()
    assert len(root.findall("testsuite")) == 4
    assert files["html"].read_text(encoding="utf-8").endswith("</html>")


def _requests(provider: str) -> list[str]:
    told: list[str] = []

    def note(exchange: Exchange) -> None:
        if exchange.kind == "call":
            one = exchange.request
            told.append(re.sub(r"127\.0\.0\.1:\d+", "HOST", f"{one.method} {one.path} {one.headers} {one.body!r}"))

    with Simulator() as running:
        options = Options(
            provider, f"{running.url}/{provider}", adapter="soundstage", layers=("L2",), only=("MONEY", "CALL", "LIFE")
        )
        with Run(options) as run:
            run.watch(note)
            assert list(run.results())
    return told


@pytest.mark.parametrize("provider", ["midsync", "apikeyorg"])
def test_the_same_seed_sends_the_same_requests(provider: str) -> None:
    # Requests that a check sends at once are seen in the order of the check.
    first, second = _requests(provider), _requests(provider)
    assert len(first) > 50
    assert first == second


def test_no_report_of_a_run_shows_the_key_it_was_given(simulator: str, tmp_path: Path) -> None:
    words = [word for name in ("json", "junit", "html") for word in (f"--report-{name}", str(tmp_path / name))]
    result = verify(
        "midsync", "--base-url", f"{simulator}/midsync", "--api-key", KEY, "--layers", "L2", "--only", "MODEL",
        "--only", "AUTH", *words,
    )  # fmt: skip
    assert result.exit_code in {0, 1}, result.output
    assert KEY not in result.output
    for path in tmp_path.iterdir():
        assert KEY not in path.read_text(encoding="utf-8")
    told = _valid(tmp_path / "json")
    assert "$API_KEY" in json.dumps(told)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


def test_help_loads_nothing_of_the_suite_but_its_command() -> None:
    heavy = (
        "urllib3",
        "jinja2",
        "rich",
        "schemathesis",
        "hypothesis",
        "jsonschema",
        "soundstage_contracts.command.run",
    )
    done = _python(
        "import sys; from soundstage.cli import main; main(['--help'], standalone_mode=False); "
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    assert done.stdout.splitlines()[-1] == "[]", done
    assert "verify" in done.stdout


@pytest.mark.parametrize("missing", ["urllib3", "jinja2"])
def test_a_plain_install_says_what_to_install(missing: str) -> None:
    done = _python(
        f"import sys; sys.modules[{missing!r}] = None; from soundstage.cli import main; main(['verify', 'midsync'])"
    )
    assert done.returncode == 2
    assert "pip install 'soundstage[contracts]'" in done.stderr
    assert "Traceback" not in done.stderr
