"""`soundstage advance` and `soundstage resend` do to a running server what a test's `clock` and `callbacks` do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result

from soundstage.cli import main
from soundstage.testing import Server, Soundstage
from support.client import KLING


@pytest.fixture
def stage() -> Iterator[Soundstage]:
    with Server() as server, server.open("sk_test_driven", clock="manual", now="2026-01-01T00:00:00Z") as opened:
        yield opened


def run(stage: Soundstage, *args: str, key: str = "sk_test_driven") -> Result:
    """Run a command in this process."""
    url = stage.base_url("midsync").removesuffix("/midsync")
    return CliRunner().invoke(main, [*args, "--url", url, "--key", key], env={"SOUNDSTAGE_ADMIN_TOKEN": None})


def test_a_clock_is_moved_by_command(stage: Soundstage) -> None:
    assert run(stage, "advance", "--seconds", "90").output == "2026-01-01T00:01:30.000Z  0 events\n"
    assert run(stage, "advance", "--to", "next-event").output == "2026-01-01T00:01:30.000Z  0 events\n"
    assert run(stage, "advance", "--until", "idle").exit_code == 0
    assert run(stage, "advance").output.endswith("  0 events\n")
    assert stage.clock.now.minute == 1


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["advance", "--seconds", "5", "--until", "idle"], 2, "exclude each other"),
        (["advance", "--seconds", "-5"], 1, "Error: "),
        (["advance", "--seconds", "nan"], 1, "Error: "),
        (["resend", "dlv_none"], 1, "Error: there is no"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(stage: Soundstage, args: list[str], code: int, said: str) -> None:
    result = run(stage, *args)
    assert (result.exit_code, type(result.exception)) == (code, SystemExit)
    assert said in result.output


@pytest.mark.parametrize("url", ["ftp://here", "http://127.0.0.1:9"])
def test_a_server_that_is_not_there_is_told(url: str) -> None:
    result = CliRunner().invoke(main, ["advance", "--key", "sk_test_driven", "--url", url])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert url.rpartition("/")[0] in result.output


def test_a_callback_is_sent_again_by_command(stage: Soundstage) -> None:
    hook = "http://127.0.0.1:9/hook"
    headers = {"Authorization": "Bearer sk_test_driven", "Content-Type": "application/json"}
    body = json.dumps({**KLING, "callbackUrl": hook}).encode()
    with urlopen(Request(f"{stage.base_url('midsync')}/v1/videos/generations", body, headers)) as answer:
        assert answer.status == 200
    assert run(stage, "advance").exit_code == 0
    (sent,) = stage.callbacks.list()
    assert run(stage, "resend", sent["id"]).output == f"{sent['id']} is sent again to {hook}\n"
    (again,) = stage.callbacks.wait_for(state=sent["state"])
    assert len(again["attempts"]) == len(sent["attempts"]) + 1
