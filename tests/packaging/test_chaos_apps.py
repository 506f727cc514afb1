"""Two shops under `soundstage chaos`: the careful one survives every fault, the naive one is caught for each incident.

The shops are tests/apps; the incidents are the ones that real integrations of such providers had.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest

from soundstage.chaos.plan import plan
from soundstage.faults import Faults
from soundstage.providers import Providers

APPS = Path(__file__).resolve().parents[1] / "apps"
ABSENT_PRICE = str(APPS / "absent-price.yaml")
# Real seconds of an app that would wait for minutes outside of a test.
HASTE = {"SHOP_TIMEOUT": "1", "SHOP_PAUSE": "0.05", "SHOP_PATIENCE": "4", "SHOP_LINGER": "0.3"}
NAIVE_HASTE = {**HASTE, "SHOP_PATIENCE": "2"}
SECRET = ("--env", "MIDSYNC_WEBHOOK_SECRET={webhook_secret}")


class Incident(NamedTuple):
    """Something that broke real integrations, the trial that makes it happen, and what it must be caught by."""

    says: str
    trial: str
    caught_by: str


INCIDENTS = (
    Incident("a poll's time-out taken for a failure", "task/slow,factor=100", "refund-while-billed"),
    Incident("a failure that was never refunded", "task/fail", "other-charge"),
    Incident("moderation after the task was accepted", "task/moderation", "other-charge"),
    Incident("a status nobody knows, and a loop without end", "task/unknown-status,while=end", "time-out"),
    Incident("success without output", "task/no-output", "exit-code"),
    Incident("failure without a reason", "task/no-reason", "exit-code"),
    Incident("a lost answer, two paid tasks", "transport/commit-then-lose@create", "double-charge"),
    Incident("a lost answer, a blind retry", "transport/commit-then-lose@create", "create-retried-blindly"),
    Incident("a callback before the id is stored", "callback/before-answer", "refund-while-billed"),
    Incident("another id in the callback", "callback/wrong-task-id,whose=unknown", "refund-while-billed"),
    Incident("a duplicate callback", "callback/twice", "other-charge"),
    Incident("callbacks out of order", "callback/out-of-order", "wrong-outcome"),
    Incident("a callback without a signature", "callback/no-signature", "bad-signature-accepted"),
    Incident("a callback signed with a stale time", "callback/stale-signature", "bad-signature-accepted"),
    Incident("a receiver that checks no signature", "callback/wrong-signature", "bad-signature-accepted"),
    Incident("a callback that never comes", "callback/never", "refund-while-billed"),
    Incident("no slot, and a job that is silently not sent", "http/rate-limited@create", "exit-code"),
    Incident("a price that drifted from its quote", "money/price-change", "other-charge"),
    Incident("more charged than shown", "money/overcharge", "other-charge"),
    Incident("an absent price taken for zero", ABSENT_PRICE, "other-charge"),
)
# What a client can only leave to a person: the provider says nothing more, or nothing that could be right.
FOR_A_PERSON = {
    "money/charged-though-failed",
    "task/never-ends",
    "task/no-output",
    "task/stuck-waiting",
    "task/unknown-status,while=end",
}


def chaos(app: str, out: Path, haste: dict[str, str], *flags: str) -> tuple[int, dict[str, Any]]:
    """Run an app under chaos and return the exit code and the JSON report."""
    command = [sys.executable, "-m", "soundstage", "chaos", "--provider", "midsync", "--json", str(out), *flags]
    run = subprocess.run(
        [*command, "--", sys.executable, str(APPS / app)],
        env={**os.environ, **haste},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert out.exists(), run.stdout + run.stderr
    return run.returncode, json.loads(out.read_text())


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["outcome"] for row in report["matrix"]}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "chaos.json"


def test_a_careful_app_survives_every_fault_there_is(out: Path, tmp_path: Path) -> None:
    junit = tmp_path / "chaos.xml"
    flags = (*SECRET, "--jobs", "6", "--timeout", "40", "--junit", str(junit))
    code, report = chaos("careful_shop.py", out, HASTE, *flags)
    not_survived = {
        row["name"]: row for row in report["matrix"] if row["outcome"] not in {"survived", "not applicable"}
    }
    assert (code, not_survived) == (0, {}), [report["runs"].get(name) for name in not_survived]
    tried = {name.partition("@")[0].partition(",")[0] for name in report["runs"]}
    assert set(Faults()) == tried - {"(no fault)"} | report["left_out"].keys()
    assert ET.parse(junit).getroot().get("failures") == "0"
    left = {name for name, run in report["runs"].items() if any("left to a person" in note for note in run["notes"])}
    assert left >= FOR_A_PERSON
    # A lost answer leads to the one task there is, not to a second one and not to a person.
    for name in ("transport/commit-then-lose@create", "http/missing-field@create", "http/malformed-json@create"):
        assert report["runs"][name]["output"].count(": succeeded, customer has the video") == 2, report["runs"][name]


def test_a_naive_app_is_caught_by_name_for_every_incident(out: Path) -> None:
    trials = dict.fromkeys(one.trial for one in INCIDENTS)
    flags = [word for name in trials for word in (("--scenario" if name == ABSENT_PRICE else "--faults"), name)]
    code, report = chaos("naive_shop.py", out, NAIVE_HASTE, "--jobs", "6", "--timeout", "10", *flags)
    caught = {row["name"]: row["caught_by"] for row in report["matrix"]}
    missed = [one for one in INCIDENTS if one.caught_by not in caught[one.trial]]
    assert not missed, {one.trial: (caught[one.trial], report["runs"][one.trial]) for one in missed}
    assert code == 1
    assert outcomes(report)["(no fault)"] == "survived"
    # One incident needs no fault: a field nobody knows, sent and paid for.
    assert "dropped-field" in {one["name"] for one in report["runs"]["(no fault)"]["warnings"]}


def test_the_same_seed_gives_the_same_matrix_whatever_runs_at_the_same_time(out: Path) -> None:
    some = ("callback/twice", "http/rate-limited@create", "task/no-output", "transport/commit-then-lose@create")
    flags = ("--seed", "5", "--timeout", "20", *(word for name in some for word in ("--faults", name)))
    _, one_by_one = chaos("naive_shop.py", out, NAIVE_HASTE, *flags, "--jobs", "1")
    _, at_once = chaos("naive_shop.py", out, NAIVE_HASTE, *flags, "--jobs", "4")
    assert one_by_one["matrix"] == at_once["matrix"]
    assert one_by_one["replay"] == at_once["replay"]
    assert [row["outcome"] for row in at_once["matrix"]] == ["survived", *["caught"] * len(some)]
    # Not only the names: the very tasks are the same.
    named = [{name: run["findings"] for name, run in one["runs"].items()} for one in (one_by_one, at_once)]
    assert named[0]["callback/twice"] == named[1]["callback/twice"] != []


@pytest.mark.parametrize("provider", list(Providers()))
def test_every_fault_is_tried_or_left_out_with_a_reason(provider: str) -> None:
    providers = Providers()
    found = plan(providers[provider], providers)
    tried = {trial.name.partition("@")[0].partition(",")[0] for trial in found.trials}
    left = {one.name for one in found.left_out}
    assert tried | left == set(Faults())
    assert not tried & left
    assert all(one.reason for one in found.left_out)
    assert len({trial.name for trial in found.trials}) == len(found.trials)
