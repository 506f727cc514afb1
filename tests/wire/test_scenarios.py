"""Scenarios over the admin API and from the command line: put, switched and ended while the server runs."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from conftest import OpenStage
from soundstage.cli import main
from soundstage.faults import Faults
from soundstage.faults.magic import SUFFIXES, TOKENS
from soundstage.scenarios import ScenarioError, shipped
from support.client import KLING, Admin, Answer, Client, House
from support.receiver import Receiver

APPLIED = "X-Soundstage-Fault-Applied"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDSTAGE_")}
REAL_TIME = {"transport/latency", "transport/slow-body", "transport/never-answers", "stream/stall", "files/slow"}
BUSY: dict[str, Any] = {
    "name": "busy",
    "description": "The second create is refused.",
    "faults": [
        {"fault": "http/status", "with": {"status": 503}, "when": {"operation": "create", "nth": 2}},
        {"fault": "http/status", "with": {"status": 500}, "when": {"operation": "poll", "from": "60s"}},
    ],
}
BUSY_FILE = """\
name: busy
description: Every create is refused.
faults:
  - fault: http/status
    when: {operation: create}
"""


async def create(client: Client) -> int:
    """Return the status of one create call."""
    return (await client.post("/v1/videos/generations", dict(KLING))).status


async def rules(admin: Admin) -> list[tuple[str, int, int]]:
    """Return each rule's id and counts."""
    return [(rule["id"], rule["matched"], rule["applied"]) for rule in (await admin.get("/faults"))["rules"]]


async def test_a_scenario_put_by_name_loses_every_third_create_and_charges_it(stage: House) -> None:
    admin, client = stage.admin(), stage.client()
    assert await admin.get("/scenario") == {"name": None}
    put = await admin.ok("PUT", "/scenario", {"name": "lost-create"})
    assert put["name"] == "lost-create"
    for _ in range(2):
        assert await create(client) == 200
    two = await admin.wallet()
    with pytest.raises(aiohttp.ClientError):
        await create(client)
    three = await admin.wallet()
    assert len(await admin.tasks()) == 3
    assert three["held"] * 2 == two["held"] * 3
    assert await rules(admin) == [("lost-create/1", 3, 1)]


async def test_a_document_is_put_shown_and_put_again(stage: House) -> None:
    admin = stage.admin()
    shown = await admin.ok("PUT", "/scenario", BUSY)
    assert shown == await admin.get("/scenario")
    assert shown == BUSY
    assert await admin.ok("PUT", "/scenario", shown) == shown


async def test_other_universes_are_left_alone(stage: House) -> None:
    await stage.admin().ok("PUT", "/scenario", BUSY)
    other = stage.client("sk_test_other")
    assert [await create(stage.client()) for _ in range(3)] == [200, 503, 200]
    assert [await create(other) for _ in range(3)] == [200, 200, 200]


async def test_another_scenario_starts_the_counts_over_and_leaves_rules_set_by_hand(stage: House) -> None:
    admin, client = stage.admin(), stage.client()
    rule = await admin.post("/faults", {"fault": "task/fail", "when": {"operation": "create"}})
    await admin.ok("PUT", "/scenario", BUSY)
    assert [await create(client) for _ in range(3)] == [200, 503, 200]
    counted = {name: matched for name, matched, _ in await rules(admin)}
    assert (counted["busy/1"], counted["busy/2"]) == (3, 0)
    await admin.ok("PUT", "/scenario", BUSY)
    counted = {name: matched for name, matched, _ in await rules(admin)}
    assert (counted["busy/1"], counted[rule["id"]]) == (0, 2)
    assert [await create(client) for _ in range(2)] == [200, 503]


async def test_the_name_null_ends_a_scenario(stage: House) -> None:
    admin, client = stage.admin(), stage.client()
    await admin.ok("PUT", "/scenario", BUSY)
    assert await create(client) == 200
    assert await admin.ok("PUT", "/scenario", {"name": None}) == {"name": None}
    assert [await create(client) for _ in range(2)] == [200, 200]
    assert await rules(admin) == []
    assert await admin.ok("PUT", "/scenario", {"name": None}) == {"name": None}


async def test_a_span_counts_from_when_the_scenario_was_put(stage: House) -> None:
    admin, client = stage.admin(), stage.client()
    task = (await client.create())["taskId"]
    await admin.advance(seconds=120)
    await admin.ok("PUT", "/scenario", BUSY)
    path = f"/unified-video/{task}/status"
    assert (await client.get(path)).status == 200
    await admin.advance(seconds=59)
    assert (await client.get(path)).status == 200
    await admin.advance(seconds=1)
    answer = await client.get(path)
    assert (answer.status, answer.headers[APPLIED]) == (500, "http/status")


async def test_a_bad_document_changes_nothing_and_everything_wrong_is_told(stage: House) -> None:
    admin = stage.admin()
    await admin.ok("PUT", "/scenario", BUSY)
    wrong = {**BUSY, "faults": [{"fault": "http/status", "with": {"status": 99}}, {"fault": "nope"}], "x": 1}
    answer = await admin.call("PUT", "/scenario", wrong)
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_scenario")
    said = answer["error"]["message"].splitlines()
    assert len(said) == 3
    assert any(line.startswith("faults[0].with.status: http/status: status must be at least 400") for line in said)
    assert await admin.get("/scenario") == BUSY


@pytest.mark.parametrize("body", [{"name": "nope"}, {"name": "/etc/hostname.yaml"}, {"name": 5}, {}, [], {"x": 1}])
async def test_what_is_no_scenario_is_refused(stage: House, body: Any) -> None:
    answer = await stage.admin().call("PUT", "/scenario", body)
    assert (answer.status, answer["error"]["code"]) == (400, "invalid_scenario")
    assert "cannot be read" not in answer["error"]["message"]


async def test_a_call_that_names_no_universe_puts_nothing(stage: House) -> None:
    answer: Answer = await stage.anybody().call("PUT", "/scenario", BUSY)
    assert (answer.status, answer["error"]["code"]) == (400, "universe_needed")


async def test_all_universes_are_switched_at_once_and_new_ones_begin_with_it(stage: House) -> None:
    every = stage.admin(universe="*")
    assert await create(stage.client()) == 200
    (put,) = await every.ok("PUT", "/scenario", BUSY)
    assert put["name"] == "busy"
    assert [await create(stage.client("sk_test_later")) for _ in range(2)] == [200, 503]
    assert [await create(stage.client()) for _ in range(2)] == [200, 503]
    assert (await every.get("/scenarios"))["begin_with"] == "busy"
    assert len(await every.ok("PUT", "/scenario", {"name": None})) == 2
    assert [await create(stage.client("sk_test_latest")) for _ in range(3)] == [200, 200, 200]
    assert {one["name"] for one in await every.get("/scenario")} == {None}


async def test_the_shipped_scenarios_are_listed(stage: House) -> None:
    listed = await stage.anybody().get("/scenarios")
    assert [one["name"] for one in listed["scenarios"]] == list(shipped())
    assert all(one["description"] for one in listed["scenarios"])
    assert listed["begin_with"] is None


async def test_a_server_started_with_a_file_begins_every_universe_with_it(
    open_stage: OpenStage, tmp_path: Path
) -> None:
    file = tmp_path / "busy.yaml"
    file.write_text(BUSY_FILE)
    house = await open_stage(scenario=str(file))
    answer = await house.client().post("/v1/videos/generations", dict(KLING))
    assert (answer.status, answer.headers[APPLIED]) == (503, "http/status")
    assert (await house.admin().get("/scenario"))["name"] == "busy"
    await house.admin().ok("PUT", "/scenario", {"name": "lost-create"})
    assert await create(house.client()) == 200
    assert (await house.admin().ok("PUT", "/scenario", {"name": "busy"}))["name"] == "busy"
    assert await create(house.client()) == 503


async def test_a_scenario_about_a_provider_that_is_not_served_is_no_mistake(
    open_stage: OpenStage, tmp_path: Path
) -> None:
    file = tmp_path / "busy.yaml"
    file.write_text(BUSY_FILE.replace("operation: create", "provider: revidapi"))
    house = await open_stage(scenario=str(file), provider="midsync")
    assert (await house.admin().get("/scenario"))["faults"][0]["when"] == {"provider": "revidapi"}


async def test_a_bad_scenario_never_starts_a_server(open_stage: OpenStage) -> None:
    with pytest.raises(ScenarioError, match="there is no scenario 'nope'"):
        await open_stage(scenario="nope")


async def test_serve_refuses_a_bad_file_before_its_port_opens(tmp_path: Path) -> None:
    file = tmp_path / "busy.yaml"
    file.write_text(BUSY_FILE.replace("http/status", "http/statsu"))
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "soundstage", "serve", "--port", "0", "--scenario", str(file)]
    server = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=ENVIRONMENT)
    async with asyncio.timeout(20):
        out, err = await server.communicate()
    assert (server.returncode, out) == (2, b"")
    assert f"Error: {file}:4: faults[0].fault: there is no fault 'http/statsu'" in err.decode()
    assert b"Traceback" not in err


@pytest.mark.parametrize("name", shipped())
async def test_a_shipped_scenario_bends_only_what_it_names_and_the_books_balance(
    stage: House, receiver: Receiver, name: str
) -> None:
    admin, headers = stage.admin(), {"Authorization": f"Bearer {stage.key}"}
    put = await admin.ok("PUT", "/scenario", {"name": name})
    # What takes real time is tested with the faults themselves.
    put["faults"] = [rule for rule in put["faults"] if rule["fault"] not in REAL_TIME]
    await admin.ok("PUT", "/scenario", put)

    async def call(method: str, path: str, body: Any = None) -> int:
        url = f"{stage.url}/midsync{path}"
        try:
            async with stage.http.request(method, url, json=body, headers=headers, allow_redirects=False) as reply:
                await reply.read()
                if reply.status >= 500:
                    assert APPLIED in reply.headers
                return reply.status
        except aiohttp.ClientError:
            return 0

    statuses = []
    for number in range(24):
        body = {**KLING, "prompt": f"A dragon, take {number}", "callbackUrl": receiver.url}
        statuses.append(await call("POST", "/v1/videos/generations", body))
        await call("POST", "/unified-video/quote", dict(KLING))
        await admin.advance(seconds=30)
        tasks = await admin.tasks()
        if tasks:
            await call("GET", f"/unified-video/{tasks[0]['id']}/status")
    await admin.advance()
    await admin.sound()
    assert 200 in statuses
    counts = await rules(admin)
    assert any(applied for _, _, applied in counts) is (name != "happy"), counts


def run(*args: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, args, env={"COLUMNS": "200"})


def test_the_command_line_lists_and_prints_scenarios() -> None:
    listed = run("scenarios")
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == list(shipped())
    printed = run("scenarios", "lost-create")
    assert printed.output.startswith("name: lost-create\n")
    refused = run("scenarios", "lostcreate")
    assert refused.exit_code == 2
    assert "did you mean lost-create?" in refused.output


def test_a_file_is_checked_without_a_server(tmp_path: Path) -> None:
    file = tmp_path / "busy.yaml"
    file.write_text(BUSY_FILE)
    assert run("scenarios", "--check", str(file)).exit_code == 0
    file.write_text(BUSY_FILE.replace("create", "creates"))
    refused = run("scenarios", "--check", str(file))
    assert refused.exit_code == 2
    assert f"{file}:5: faults[0].when.operation" in refused.output


def test_the_command_line_lists_faults_and_their_parameters() -> None:
    listed = run("faults")
    assert [line.split()[0] for line in listed.output.splitlines()] == list(Faults())
    one = run("faults", "http/status")
    assert "integer, 400 to 599, default 503: the HTTP status" in one.output
    assert run("faults", "http/statsu").exit_code == 2


@pytest.mark.parametrize("name", list(Faults()))
def test_every_fault_has_its_own_help(name: str) -> None:
    assert run("faults", name).exit_code == 0


def test_the_command_line_lists_every_magic_input() -> None:
    listed = run("magic")
    assert [line.split()[0] for line in listed.output.splitlines()] == [one.shown for one in (*TOKENS, *SUFFIXES)]


@pytest.mark.parametrize("given", [1e308, -1, 4e9, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_cannot_be_shown_is_never_set(stage: House, given: Any) -> None:
    admin, rule = stage.admin(), {"fault": "http/status", "when": {"until": given}}
    alone = await admin.call("POST", "/faults", rule)
    document = await admin.call("PUT", "/scenario", {**BUSY, "faults": [rule]})
    assert (alone.status, document.status) == (400, 400)
    assert "from 1970 to 9000" in alone["error"]["message"]
    assert "from 1970 to 9000" in document["error"]["message"]
    assert (await admin.get("/faults"))["rules"] == []


async def test_no_secret_of_a_rule_is_shown(stage: House) -> None:
    admin, secret = stage.admin(), f"whsec_{'b2xk' * 11}"
    await admin.post("/faults", {"fault": "callback/old-secret", "with": {"secret": secret}})
    refused = await admin.call("POST", "/faults", {"fault": "callback/old-secret", "with": {"secret": f"{secret}?"}})
    assert refused.status == 400
    assert b"b2xk" not in refused.raw
    assert (await admin.get("/faults"))["rules"][0]["with"] == {"secret": "…"}
