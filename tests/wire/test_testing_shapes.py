"""The shapes that the testing package names are what a server sends, and its lists come whole."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints
from urllib.parse import urlsplit

import pytest

from soundstage.core.lint import Level
from soundstage.core.outbox import DeliveryState
from soundstage.core.timeline import State
from soundstage.core.verdict import Kind, Outcome
from soundstage.settings import Settings
from soundstage.testing import Server, Soundstage, shapes
from soundstage.testing.records import Callbacks
from support.client import KLING

MANY = 1100


@pytest.fixture(scope="module")
def stage() -> Iterator[Soundstage]:
    """Return a universe in which many calls were made and one task has ended."""
    with Server(seed=7, journal=3 * MANY) as server, server.open(clock="manual") as opened:
        opened.faults.add("task/slow", seconds=5)
        where = urlsplit(opened.base_url("midsync"))
        app = http.client.HTTPConnection(where.netloc)
        headers = {"Authorization": f"Bearer {opened.key}", "Content-Type": "application/json"}
        body = json.dumps({**KLING, "callbackUrl": "http://127.0.0.1:9/hook"})
        app.request("POST", f"{where.path}/v1/videos/generations", body, headers)
        app.getresponse().read()
        for _ in range(MANY):
            app.request("GET", f"{where.path}/unified-video/nobody/status", headers=headers)
            app.getresponse().read()
        app.close()
        opened.clock.advance(60)
        yield opened


def test_more_than_a_thousand_calls_are_counted_listed_and_waited_for(stage: Soundstage) -> None:
    assert stage.requests.count() == MANY + 1
    assert stage.requests.count(status=404) == MANY
    assert stage.requests.count(json={"model": KLING["model"]}) == 1
    assert len(stage.requests.list()) == MANY + 1
    assert stage.requests.list()[0]["operation"] == "createVideo"
    assert len(stage.requests.wait_for(1000)) == MANY + 1
    with pytest.raises(AssertionError, match=f"exactly one call with operation='poll'; {MANY} of {MANY + 1} fit"):
        stage.requests.assert_called_once_with(operation="poll")


def test_callbacks_come_whole_from_a_server_that_sends_them_in_pages() -> None:
    def ask(
        method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None, seconds: float = 0
    ) -> Any:
        assert (method, path, body, seconds, (query or {})["state"]) == ("GET", "/deliveries", None, 0, "delivered")
        cursor = (query or {})["cursor"]
        return {"deliveries": [{"id": f"after {cursor}"}], "next_cursor": {None: "a", "a": "b", "b": None}[cursor]}

    found = Callbacks(ask).list(state="delivered")
    assert [one["id"] for one in found] == ["after b", "after a", "after None"]


def test_what_a_server_sends_has_every_field_that_is_named(stage: Soundstage) -> None:
    (task,) = stage.tasks.list()
    whole, (callback,) = stage.tasks.get(task["id"]), stage.callbacks.list()
    sent: list[tuple[type, Mapping[str, Any]]] = [
        (shapes.OpenedUniverse, stage.opened),
        (shapes.Provided, stage.opened["providers"]["midsync"]),
        (shapes.ClockShown, stage.clock.show()),
        (shapes.Moved, stage.clock.advance(0)),
        (shapes.Call, stage.requests.last()),
        (shapes.Sent, stage.requests.last()["response"]),
        (shapes.Task, task),
        (shapes.WholeTask, whole),
        (shapes.Point, whole["timeline"][0]),
        (shapes.Movement, whole["ledger"][0]),
        (shapes.FaultAtWork, whole["faults"][0]),
        (shapes.Callback, callback),
        (shapes.Attempt, callback["attempts"][0]),
        (shapes.FaultRule, stage.faults.list()[0]),
        (shapes.LedgerEntry, stage.ledger.entries()[0]),
        (shapes.Wallet, stage.ledger.wallets()[0]),
        (shapes.ScenarioShown, stage.scenario(None)),
        (shapes.Verdict, stage.verdict(believes=[])),
        (shapes.Finding, stage.verdict(believes=[])["findings"][0]),
        (shapes.Mistake, stage.lint()[0]),
        (shapes.Invariants, stage.invariants()),
    ]
    for shape, came in sent:
        assert shape.__required_keys__ <= came.keys(), shape  # type: ignore[attr-defined]


def test_words_and_settings_are_those_of_the_server() -> None:
    assert shapes.State == State
    assert set(get_args(shapes.CallbackState)) == set(get_args(DeliveryState))
    assert shapes.Outcome == Outcome
    assert get_type_hints(shapes.Finding)["kind"] == Kind
    assert get_type_hints(shapes.Mistake)["level"] == Level
    settable = {one.name for one in fields(Settings)} - {"port", "embedded"}
    types = get_type_hints(Settings)
    assert get_type_hints(shapes.Configured) == {name: types[name] for name in settable}


def test_a_setting_there_is_none_of_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        Server(colour="blue").start()  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="there is no scenario 'gloomy'"):
        Server(scenario="gloomy").start()
