"""The client that tests use, against a real server in a thread: what it says, how long it takes, no hanging."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from soundstage.core.clock import stopwatch
from soundstage.providers.midsync.provider import PROVIDER
from soundstage.settings import DEFAULT_CREDITS
from soundstage.testing import Server, Soundstage, SoundstageError
from soundstage.testing.line import Line
from soundstage.testing.timeline import replay, timeline
from soundstage.testing.twins import twin
from support.client import KLING
from support.receiver import Receiver

COST = 35


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(seed=7) as running:
        yield running


@pytest.fixture
def stage(server: Server, request: pytest.FixtureRequest) -> Iterator[Soundstage]:
    with server.open(f"sk_test_{request.node.name}_mine", clock="manual") as opened:
        yield opened


class Statuses(list[int]):
    """What a receiver answers, one by one and the last one for ever, where it is, and what its app believes."""

    url = ""
    beliefs: Any = None


@pytest.fixture
def callbacks() -> Iterator[Statuses]:
    """Run a receiver in another thread."""
    answers = Statuses([200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers.beliefs).encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        answers.url = f"http://127.0.0.1:{running.server_port}/hook"
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield answers
        running.shutdown()


def call(stage: Soundstage, path: str = "/v1/videos/generations", body: Any = None, **fields: Any) -> Any:
    """Make a call as an app would: a create of MidSync when nothing else is said."""
    sent = None if path.endswith("/status") else json.dumps({**(body or KLING), **fields}).encode()
    headers = {"Authorization": f"Bearer {stage.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(stage.base_url("midsync") + path, data=sent, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


# --- a universe -----------------------------------------------------------------------------------------------------


def test_every_universe_has_its_own_key_tasks_and_money(server: Server) -> None:
    with server.open() as one, server.open(balance=Decimal("40.5")) as other:
        call(one)
        assert one.key != other.key
        assert (len(one.tasks.list()), len(other.tasks.list())) == (1, 0)
        assert one.ledger.balance("midsync") == DEFAULT_CREDITS // 1_000_000 - COST
        assert other.ledger.balance("midsync") == Decimal("40.5")


def test_the_environment_leads_an_app_to_every_provider(stage: Soundstage) -> None:
    assert stage.env["MIDSYNC_BASE_URL"] == stage.base_url("midsync") == f"{stage._line.url}/midsync"
    assert stage.env["REVIDAPI_API_KEY"] == stage.key
    text = stage.expand("{midsync}/v1 {key} {webhook_secret.midsync}")
    assert text == f"{stage.base_url('midsync')}/v1 {stage.key} {stage.webhook_secret('midsync')}"
    with pytest.raises(SoundstageError, match=r"may name \{key\}, .*not \{midsink\}"):
        stage.expand("{midsink}")
    for asking in (stage.base_url, stage.webhook_secret, stage.ledger.balance):
        with pytest.raises(SoundstageError, match=r"provider must be one of .*midsync.*, got 'nobody'"):
            asking("nobody")


def test_a_refusal_has_the_servers_words_and_what_to_do(server: Server, stage: Soundstage) -> None:
    with pytest.raises(SoundstageError, match="no task") as refusal:
        stage.tasks.get("gen_none")
    assert (refusal.value.code, refusal.value.hint) == ("no_such_task", "GET /__admin/tasks lists them")
    with pytest.raises(SoundstageError, match="clock: Input should be"):
        server.open(clock="manuel")  # type: ignore[arg-type]


def test_a_server_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(SoundstageError, match=r"http://127\.0\.0\.1:9 does not answer POST /__admin/universes"):
        Soundstage.open(Line("http://127.0.0.1:9"))
    with pytest.raises(SoundstageError, match=r"like http://127\.0\.0\.1:4090, got 'localhost:4090'"):
        Line("localhost:4090")


def test_a_scenario_is_named_or_given(server: Server, tmp_path: Path) -> None:
    document = {
        "name": "no-creates",
        "description": "Every create is refused.",
        "faults": [{"fault": "http/status", "with": {"status": 503}, "when": {"operation": "create"}}],
    }
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(document))
    for given in (document, file, str(file)):
        with server.open(scenario=given) as stage:
            assert stage.opened["scenario"] == "no-creates"
            assert call(stage) == 503
    with server.open(scenario="happy") as stage:
        assert (stage.opened["scenario"], call(stage)["success"]) == ("happy", True)
    with pytest.raises(SoundstageError, match=r"there is no scenario 'gloomy'; there are .*happy"):
        server.open(scenario="gloomy")
    with pytest.raises(SoundstageError, match="there is no scenario"):
        server.open(scenario=f"{tmp_path}/mine")
    file.write_text("name: x\nfaults: 3\n")
    with pytest.raises(SoundstageError, match=r"mine\.yaml:2: "):
        server.open(scenario=file)
    with pytest.raises(SoundstageError, match="description: is missing"):
        server.open(scenario={"name": "x"})


def test_a_scenario_is_put_in_force_and_ended(stage: Soundstage) -> None:
    assert stage.scenario("lost-create")["name"] == "lost-create"
    assert [rule["fault"] for rule in stage.faults.list()] == ["transport/commit-then-lose"]
    assert stage.scenario(None) == {"name": None}
    assert stage.faults.list() == []


def test_a_fork_is_a_universe_of_its_own_with_the_same_past(stage: Soundstage) -> None:
    first = call(stage)["taskId"]
    forks = [stage.fork(), stage.fork()]
    forks.append(forks[0].fork())
    assert len({one.key for one in (stage, *forks)}) == 4
    for fork in forks:
        with fork:
            assert [task["id"] for task in fork.tasks.list()] == [first]
            fork.clock.idle()
            assert fork.tasks.get(first)["state"] == "succeeded"
            assert fork.requests.count() == 0
    assert stage.tasks.get(first)["state"] == "waiting"


def test_a_fork_of_a_thousand_tasks_takes_a_few_milliseconds(server: Server) -> None:
    """Measured at 0.6 ms with the way there and back; the bound leaves room for a busy machine."""
    with server.open(clock="manual", balance=1_000_000) as stage:
        for number in range(1000):
            call(stage, prompt=f"fox number {number}")
        times = []
        for _ in range(5):
            began = stopwatch()
            fork = stage.fork()
            times.append(stopwatch() - began)
            with fork:
                assert fork.ledger.balance("midsync") == 1_000_000 - 1000 * COST
    print(f"fork of 1,000 tasks: {min(times) * 1000:.2f} ms")
    assert min(times) < 0.05


# --- time -----------------------------------------------------------------------------------------------------------


def test_the_clock_is_shown_moved_and_switched(stage: Soundstage) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert stage.clock.now == start
    stage.clock.advance(60)
    stage.clock.advance(timedelta(hours=1))
    assert stage.clock.now == start + timedelta(hours=1, minutes=1)
    assert stage.clock.set(now=start + timedelta(days=1))["now"] == "2026-01-02T00:00:00.000Z"
    assert stage.clock.set(mode="scaled", speed=20)["mode"] == "scaled"
    with pytest.raises(ValueError, match="needs a zone"):
        stage.clock.set(now=datetime(2027, 1, 1))  # noqa: DTZ001


def test_time_goes_on_to_the_next_event_or_until_nothing_is_left(stage: Soundstage) -> None:
    ids = [call(stage)["taskId"] for _ in range(3)]
    events = stage.clock.next_event()["events_run"]
    assert 1 <= events < 3
    assert [task["state"] for task in stage.tasks.list()].count("succeeded") == events
    assert stage.clock.idle()["next_event"] is None
    assert [task["id"] for task in stage.tasks.list(state="succeeded", provider="midsync")] == ids


def test_a_receiver_in_another_thread_answers_a_sync_test(server: Server, callbacks: Statuses) -> None:
    with server.open(clock="manual", callback_url=callbacks.url) as stage:
        call(stage)
        callbacks[:] = [500, 200]
        stage.clock.idle()
        (delivery,) = stage.callbacks.list(state="delivered")
        assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 200]
        stage.callbacks.resend(delivery["id"])
        assert len(stage.callbacks.wait_for(task_id=delivery["task_id"])[0]["attempts"]) >= 2


async def test_a_receiver_in_the_tests_own_loop_answers_an_async_test(server: Server, receiver: Receiver) -> None:
    stage = await asyncio.to_thread(server.open, clock="manual", callback_url=receiver.url)
    await asyncio.to_thread(call, stage)
    await stage.clock.aadvance(3600)
    assert (await stage.callbacks.await_for())[0]["state"] == "delivered"
    assert len(receiver.got) == 1
    await stage.aclose()


async def test_a_sync_call_in_the_loop_of_the_receiver_ends_with_what_to_write_instead(
    server: Server, receiver: Receiver
) -> None:
    stage = await asyncio.to_thread(server.open, clock="manual", callback_url=receiver.url)
    await asyncio.to_thread(call, stage)
    with pytest.raises(
        SoundstageError, match=r'await clock\.aidle\(\) in place of clock\.idle\(\), or pass wait="none"'
    ):
        stage.clock.idle(timeout=0.2)
    with pytest.raises(
        AssertionError, match=r"expected 1 callbacks delivered .*\n.* use await callbacks\.await_for\(\)"
    ):
        stage.callbacks.wait_for(timeout=0.1)
    stage.clock.idle(wait="none")
    await stage.callbacks.await_for()
    await stage.aclose()


def test_thirty_days_of_retries_take_less_than_a_second(server: Server, callbacks: Statuses) -> None:
    assert PROVIDER.callback is not None
    tries = len(PROVIDER.callback.retries_ms) + 1
    callbacks[:] = [503]
    with server.open(clock="manual", callback_url=callbacks.url) as stage:
        for number in range(10):
            call(stage, prompt=f"fox number {number}")
        began = stopwatch()
        stage.clock.advance(timedelta(days=30))
        took = stopwatch() - began
        deliveries = stage.callbacks.list(state="exhausted")
        assert [len(one["attempts"]) for one in deliveries] == [tries] * 10
        assert stage.clock.now == datetime(2026, 1, 31, tzinfo=UTC)
    assert took < 3


# --- calls ----------------------------------------------------------------------------------------------------------


def test_calls_are_listed_oldest_first_and_found_by_what_they_are(stage: Soundstage) -> None:
    task = call(stage, prompt="a fox runs")["taskId"]
    call(stage, prompt="a fox rests")
    call(stage, f"/unified-video/{task}/status")
    assert [one["status"] for one in stage.requests.list(operation="create")] == [200, 200]
    assert [one["request"]["body"]["prompt"] for one in stage.requests.list(method="POST")] == [
        "a fox runs",
        "a fox rests",
    ]
    assert stage.requests.count(operation="poll", provider="midsync", status="2xx") == 1
    assert stage.requests.last(path="/midsync/v1")["request"]["body"]["prompt"] == "a fox rests"
    assert stage.requests.last()["method"] == "GET"
    assert stage.requests.count(json={"prompt": "a fox rests"}) == 1
    assert stage.requests.count(since=stage.clock.now + timedelta(days=1)) == 0
    found = stage.requests.assert_called_once_with(
        operation="create", json={"model": KLING["model"], "prompt": "a fox runs"}
    )
    assert found["id"] == stage.requests.list()[0]["id"]


def test_a_failed_assertion_shows_the_calls_most_like_it(stage: Soundstage) -> None:
    task = call(stage)["taskId"]
    call(stage, f"/unified-video/{task}/status")
    with pytest.raises(AssertionError) as failure:
        stage.requests.assert_called_once_with(operation="create", json={"model": "veo", "seconds": 5})
    first, nearest, other = str(failure.value).splitlines()
    assert first == "expected exactly one call with operation='create', json={'model': 'veo', 'seconds': 5}; 0 of 2 fit"
    assert nearest.startswith("  POST /midsync/v1/videos/generations (createVideo) -> 200, sent {")
    assert nearest.endswith("<- json.model is 'kling-2.5-turbo', json.seconds is missing")
    assert "GET /midsync/unified-video" in other
    assert "operation is 'getVideoStatus'" in other
    with pytest.raises(AssertionError, match="expected a call with status='5xx'; 0 of 2 fit"):
        stage.requests.last(status="5xx")
    for _ in range(8):
        call(stage)
    with pytest.raises(AssertionError, match=r"9 of 10 fit(.|\n)*and 5 more"):
        stage.requests.assert_called_once_with(operation="create")


def test_nobody_sleeps_to_wait_for_a_call(stage: Soundstage) -> None:
    def later() -> None:
        for prompt in ("a fox runs", "a fox rests", "a fox runs"):
            call(stage, prompt=prompt)

    app = Thread(target=later)
    app.start()
    found = stage.requests.wait_for(2, operation="create", json={"prompt": "a fox runs"})
    assert [one["request"]["body"]["prompt"] for one in found] == ["a fox runs", "a fox runs"]
    app.join()
    with pytest.raises(AssertionError, match=r"expected 4 within 0\.05 s: calls with operation='create'; 3 of 3 fit"):
        stage.requests.wait_for(4, 0.05, operation="create")


def test_what_the_app_believes_is_held_against_the_truth(stage: Soundstage, callbacks: Statuses) -> None:
    task = call(stage)["taskId"]
    stage.clock.idle()
    nothing = stage.verdict(believes=[])
    assert (nothing["ok"], told(nothing)) == (False, [("orphan-paid-task", task)])
    believes = [{"task_id": task, "outcome": "succeeded", "credits": COST}]
    callbacks.beliefs = {"believes": believes}
    for verdict in (stage.verdict(believes=believes), stage.verdict(url=callbacks.url)):
        assert told(verdict) == [("result-never-collected", task)]
    with pytest.raises(SoundstageError, match="not JSON"):
        stage.verdict(url=f"{stage._line.url}/metrics")


def told(verdict: Any) -> list[tuple[str, str | None]]:
    """Return what a verdict found, and about which task."""
    return [(one["kind"], one["task_id"]) for one in verdict["findings"]]


def test_the_journal_is_exported_and_judged(stage: Soundstage) -> None:
    call(stage)
    assert [entry["response"]["status"] for entry in stage.har()["log"]["entries"]] == [200]
    assert stage.lint() == []
    assert stage.invariants() == {"ok": True, "violations": []}


# --- tasks, money, faults -------------------------------------------------------------------------------------------


def test_tasks_are_ended_by_hand(stage: Soundstage) -> None:
    done, broken, stuck = (call(stage)["taskId"] for _ in range(3))
    assert stage.tasks.complete(done)["state"] == "succeeded"
    assert stage.tasks.fail(broken, "content_policy")["state"] == "failed"
    assert stage.tasks.fail(call(stage)["taskId"])["state"] == "failed"
    assert "stalled" in stage.tasks.stall(stuck)["explanation"]
    assert [entry["kind"] for entry in stage.ledger.entries()].count("release") == 2
    assert {wallet["key_id"] for wallet in stage.ledger.wallets()} == {
        one["key_id"] for one in stage._providers.values()
    }


def test_long_lists_of_tasks_come_whole(server: Server) -> None:
    with server.open(clock="manual", balance=100_000) as stage:
        ids = [call(stage)["taskId"] for _ in range(520)]
        assert [task["id"] for task in stage.tasks.list()] == ids


def test_faults_are_set_listed_and_removed(stage: Soundstage) -> None:
    rule = stage.faults.add("http/status", status=503, when={"operation": "create", "first": 2})
    assert [call(stage), call(stage), call(stage)["success"]] == [503, 503, True]
    (listed,) = stage.faults.list()
    assert (listed["id"], listed["fault"], listed["applied"]) == (rule["id"], "http/status", 2)
    stage.faults.remove(rule["id"])
    stage.faults.add("http/status", status=500)
    stage.faults.clear()
    assert stage.faults.list() == []
    with pytest.raises(SoundstageError, match="status"):
        stage.faults.add("http/status", status="often")


# --- twins, timeline, server ----------------------------------------------------------------------------------------


def test_every_method_that_talks_to_the_server_has_an_awaited_twin(stage: Soundstage) -> None:
    for part in (stage, stage.clock, stage.faults, stage.requests, stage.tasks, stage.ledger, stage.callbacks):
        names = {name for name in vars(type(part)) if not name.startswith("_") and callable(getattr(part, name))}
        sync = {name for name in names if not (name[0] == "a" and name[1:] in names)}
        quiet = {"open", "base_url", "webhook_secret", "expand"}
        assert {f"a{name}" for name in sync - quiet} <= names, part
        assert all(asyncio.iscoroutinefunction(getattr(part, f"a{name}")) for name in sync - quiet)


async def test_a_twin_leaves_the_loop_free_and_passes_everything_on() -> None:
    class Bell:
        def ring(self, sound: str, *, times: int = 1) -> str:
            """Ring."""
            if not times:
                raise ValueError("never")
            return sound * times

        aring = twin(ring)

    assert await Bell().aring("ding", times=2) == "dingding"
    with pytest.raises(ValueError, match="never"):
        await Bell().aring("ding", times=0)
    assert (Bell.aring.__name__, Bell.aring.__doc__) == ("aring", "Ring.")


def test_the_timeline_tells_calls_money_tasks_and_callbacks_in_order(server: Server, callbacks: Statuses) -> None:
    with server.open(clock="manual", callback_url=callbacks.url) as stage:
        assert timeline(stage)[1] == "nothing happened here: no call came in"
        task = call(stage)["taskId"]
        stage.faults.add("http/status", status=503)
        call(stage)
        stage.clock.idle()
        lines = timeline(stage)
        assert lines[0].startswith(f"universe {stage.id}: manual clock at 2026-01-01T00:0")
        assert lines[1] == "faults: http/status (acted 1 times)"
        assert [line.split()[1] for line in lines[2:]] == [
            *["call", "call", "ledger", "task", "task", "ledger", "task", "callback"]
        ]
        assert "[http/status] POST" in lines[3]
        assert lines[-2].endswith(f"{task} succeeded")
        assert lines[-1].endswith(f"attempt 1: 200 from {callbacks.url}")
        for _ in range(60):
            call(stage)
        lines = timeline(stage)
        assert len(lines) == 51
        assert "more ..." in lines[16]
        assert max(map(len, lines)) <= 150


def test_one_line_restores_a_universe(server: Server) -> None:
    with server.open(clock="manual", seed=5, scenario="happy") as stage:
        assert replay(stage.opened, "happy") == "seed=5;clock=manual;now=2026-01-01T00:00:00.000Z;scenario=happy"
        assert replay(stage.opened, None) == "seed=5;clock=manual;now=2026-01-01T00:00:00.000Z"
    with server.open(clock="scaled", speed=12345.625, now="2040-01-01") as stage:
        assert replay(stage.opened, None).startswith("seed=7;clock=scaled;speed=12345.625;now=2040-01-01T")


def test_a_server_starts_and_stops_in_no_time_whoever_is_still_connected() -> None:
    """Measured at 1 ms and 20 ms once everything is imported."""
    server, began = Server(), stopwatch()
    server.start()
    started = stopwatch()
    stage = server.open()
    call(stage)
    waiting = Thread(target=_wait_in_vain, args=(stage,))
    waiting.start()
    stage.requests.wait_for(1)
    stopping = stopwatch()
    server.stop()
    stopped = stopwatch()
    waiting.join()
    print(f"start {(started - began) * 1000:.2f} ms, stop {(stopped - stopping) * 1000:.2f} ms")
    assert started - began < 0.3
    assert stopped - stopping < 0.3
    with pytest.raises(SoundstageError, match="does not answer"):
        stage.tasks.list()


def _wait_in_vain(stage: Soundstage) -> None:
    with pytest.raises(SoundstageError, match="does not answer"):
        stage.requests.wait_for(99, 30)


def test_what_keeps_a_server_from_starting_is_raised(server: Server) -> None:
    with pytest.raises(OSError, match="address already in use"):
        Server(port=int(server.url.rpartition(":")[2])).start()
    with pytest.raises(RuntimeError, match="was not started"):
        assert Server().url
    Server().stop()


def test_importing_the_plugin_loads_no_web_server(tmp_path: Path) -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import soundstage.pytest_plugin;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before});"
        "import soundstage.testing;"
        "print(*{'aiohttp', 'pydantic', 'structlog', 'orjson', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines() == ["soundstage", ""]
