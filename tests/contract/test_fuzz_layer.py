"""The fuzzing layer: reproducible, harmless, right about what may be refused, and quick to see planted faults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from soundstage.testing import Server
from soundstage_contracts.adapters.base import Account
from soundstage_contracts.documents import document, providers
from soundstage_contracts.drivers import driver_of
from soundstage_contracts.drivers.base import Given
from soundstage_contracts.drivers.revidapi import RevidAPI
from soundstage_contracts.exchange import Exchange, Reply, Request
from soundstage_contracts.layers import beginning
from soundstage_contracts.layers.fuzz import fuzz
from soundstage_contracts.layers.pinned import CALLBACK, addresses, harmless, hosts, pinned
from soundstage_contracts.layers.refusals import Judge
from soundstage_contracts.stage import Stage
from soundstage_contracts.target import Target
from soundstage_contracts.verdict import Result, Verdict
from soundstage_contracts.wire import LiveSender
from support.layered import Aim, Fault

QUICK = ("examples", "coverage")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Server(seed=7) as running:
        yield running.url


def found(aim: Aim, **more: Any) -> dict[str, Result]:
    return {one.id: one for one in fuzz(aim.target, **{"seed": 1, "max_examples": 3, **more})}


def alike(exchange: Exchange) -> tuple[Any, ...]:
    """Return what must be the same in two runs: all but ports and the boundaries of forms."""
    request = exchange.request
    boundary = re.match(rb"--([0-9a-f]{32})", request.body)
    body = request.body.replace(boundary[1], b"") if boundary else request.body
    return request.method, request.path, body, exchange.reply and exchange.reply.status


@pytest.fixture(scope="module")
def clean(url: str) -> tuple[dict[str, Result], list[Exchange]]:
    """Return what a run against a right target says and sends."""
    with Aim(url, "v2gateway") as aim:
        return found(aim), aim.seen


def test_a_right_target_passes(clean: tuple[dict[str, Result], list[Exchange]]) -> None:
    results, _ = clean
    assert [(one.id, one.says) for one in results.values() if one.verdict is not Verdict.PASS] == []
    assert len(results) == 2 * 8 + 1


def test_the_same_seed_sends_the_same_requests(url: str, clean: tuple[dict[str, Result], list[Exchange]]) -> None:
    with Aim(url, "v2gateway") as aim:
        found(aim)
        assert list(map(alike, aim.seen)) == list(map(alike, clean[1]))


def test_every_exchange_is_shown_to_whoever_watches_and_names_no_strange_host(
    clean: tuple[dict[str, Result], list[Exchange]],
) -> None:
    seen = clean[1]
    assert len(seen) > 150
    said = [one.request.path + one.request.body.decode("utf-8", "replace") for one in seen]
    assert all(
        harmless(host, hosts(pinned(document("v2gateway", "openapi")))) for text in said for host in addresses(text)
    )
    assert any(CALLBACK in text for text in said)


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (("http/missing-field", {"when": {"operation": "submitTask"}}), "V2-FUZZ-003[submitTask]"),
        (("http/status", {"status": 500, "when": {"operation": "submitTask"}}), "V2-FUZZ-002[submitTask]"),
        (("http/wrong-content-type", {"when": {"operation": "submitTask"}}), "V2-FUZZ-003[submitTask]"),
    ],
    ids=["a missing field", "a server error", "another content type"],
)
def test_a_planted_fault_is_found_with_its_exchange(url: str, fault: Fault, broken: str) -> None:
    with Aim(url, "v2gateway", fault) as aim:
        results = found(aim, phases=("examples",))
        assert results[broken].verdict is Verdict.FAIL
        assert results[broken].evidence
        assert results[broken].evidence[0].reply is not None


def test_an_operation_that_never_answers_well_is_not_reached(url: str) -> None:
    with Aim(url, "v2gateway", ("money/insufficient-credit", {})) as aim:
        results = found(aim, phases=("examples",))
        assert results["V2-FUZZ-001[submitTask]"].verdict is Verdict.NOT_REACHED
        assert results["V2-FUZZ-004[submitTask]"].verdict is Verdict.PASS


def test_without_adapter_and_guard_nothing_that_may_cost_is_sent(url: str) -> None:
    with Aim(url, "v2gateway", adapter=False, assumptions=False) as aim:
        results = found(aim, phases=QUICK)
        assert {one.verdict for one in results.values()} <= {Verdict.PASS, Verdict.NOT_TESTED, Verdict.NOT_REACHED}
        assert results["V2-FUZZ-002[submitTask]"].verdict is Verdict.NOT_TESTED
        assert aim.seen
        assert {one.request.method for one in aim.seen} & {"POST"} == set()


def test_an_engine_that_cannot_work_is_a_failure_and_no_pass(url: str) -> None:
    with Aim(url, "v2gateway", adapter=False) as aim:
        broken = Target(
            aim.target.driver, aim.target.contract, LiveSender("http://127.0.0.1:9"), given=aim.target.given
        )
        results = {one.id: one for one in fuzz(broken, seed=1, max_examples=1, phases=("examples",))}
        assert results["V2-FUZZ-009"].verdict is Verdict.FAIL
        assert results["V2-FUZZ-001[getTask]"].verdict is Verdict.NOT_REACHED


def test_a_target_that_breaks_what_fuzzing_needs_fails_in_a_sentence(url: str) -> None:
    fault: Fault = ("http/missing-field", {"field": "audio_id", "when": {"operation": "getUpload"}})
    with Aim(url, "revidapi", fault) as aim:
        (whole,) = found(aim).values()
        assert (whole.id, whole.verdict) == ("REV-FUZZ-009", Verdict.FAIL)
        assert "audio_id" in whole.says
        assert whole.evidence


class Odd(RevidAPI):
    """Reads what is not there."""

    def prepare(self, stage: Stage, account: Account) -> Given:
        """Read a field that no reply has."""
        return {"x": {"y": str(stage.answered(self.balance_request(), account).object()["nothing"])}}


def test_a_reply_that_cannot_be_read_fails_in_a_sentence(url: str) -> None:
    with Aim(url, "revidapi") as aim:
        (whole,) = fuzz(replace(aim.target, driver=Odd()), seed=1)
        assert (whole.id, whole.verdict) == ("REV-FUZZ-009", Verdict.FAIL)
        assert "KeyError: 'nothing'" in whole.says


def test_another_schemathesis_is_not_tested_with(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "NEEDED", "4.31.")
    with Aim(url, "v2gateway") as aim:
        (whole,) = found(aim).values()
        assert whole.verdict is Verdict.NOT_TESTED
        assert whole.says == f"this Schemathesis ({version('schemathesis')}) is not supported, 4.31.x is needed"
        assert aim.seen == []


def test_a_schemathesis_without_the_parts_the_engine_replaces_is_not_tested_with(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "schemathesis").mkdir()
    (tmp_path / "schemathesis/__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Aim(url, "v2gateway") as aim:
        (whole,) = found(aim).values()
        assert whole.verdict is Verdict.NOT_TESTED
        assert "4.32.x is needed" in whole.says


@pytest.mark.parametrize("provider", providers())
def test_a_pinned_document_has_only_harmless_addresses_in_requests(provider: str) -> None:
    whole = pinned(document(provider, "openapi"))
    for item in whole["paths"].values():
        for says in item.values():
            body = (
                repr(says.get("requestBody", {})) + repr(says.get("parameters", {})) if isinstance(says, dict) else ""
            )
            assert all(harmless(host, {"tiktok.com"}) for host in addresses(body))
            assert not re.search(r"'#/components/schemas/(?!Sent)", body)


INVALID = b'{"success":false,"error":"no","code":"invalid_request"}'
POOR = b'{"success":false,"error":"no","code":"insufficient_points"}'


@pytest.mark.parametrize(
    ("status", "reply", "body", "excused"),
    [
        (402, POOR, b"{}", True),
        (402, INVALID, b"{}", False),
        (400, INVALID, b'{"duration": 5}', False),
        (400, INVALID, b'{"duration": 5.0}', True),
        (400, INVALID, b'{"referenceTaskId": "x"}', True),
        (400, b"no", b'{"duration": 5.0}', False),
        (422, INVALID, b'{"duration": 5.0}', False),
    ],
)
def test_a_refusal_of_valid_data_counts_unless_it_is_a_documented_one(
    status: int, reply: bytes, body: bytes, excused: bool
) -> None:
    judge = Judge(driver_of("midsync"))
    request = Request("POST", "/unified-video/generate", (("content-type", "application/json"),), body)
    why = judge.why("generateVideo", "RejectedPositiveData", "", request, Reply(status, (), reply))
    assert (why is not None) is excused


@pytest.mark.parametrize("code", [[], {}, 1, None])
def test_a_code_of_any_kind_is_read(code: Any) -> None:
    reply = Reply(400, (), json.dumps({"success": False, "error": "no", "code": code}).encode())
    request = Request("POST", "/unified-video/generate", (), b'{"duration": 5.0}')
    assert Judge(driver_of("midsync")).why("generateVideo", "RejectedPositiveData", "", request, reply) is None


def test_what_is_wrong_with_a_reply_is_never_excused() -> None:
    judge = Judge(driver_of("midsync"))
    request = Request("POST", "/unified-video/generate", (), b'{"duration": 5.0}')
    assert judge.why("generateVideo", "JsonSchemaError", "", request, Reply(400, (), INVALID)) is None


def test_what_the_guard_answered_is_no_failure_of_the_target() -> None:
    judge = Judge(driver_of("midsync"))
    denied = Reply(599, (("x-contract-guard", "denied"),))
    assert judge.why("generateVideo", "ServerError", "", Request("GET", "/"), denied) is not None


def test_a_probe_that_the_guard_stopped_is_no_failure_and_one_that_was_let_in_is() -> None:
    judge = Judge(driver_of("midsync"))
    reply = Reply(200, (("content-type", "application/json"),), b"{}")
    said = "Expected 401 or 403, got `{}` for `POST /unified-video/generate`"
    request = Request("POST", "/unified-video/generate")
    assert judge.why("generateVideo", "IgnoredAuth", said.format("599 Unknown"), request, reply) is not None
    assert judge.why("generateVideo", "IgnoredAuth", said.format("200 OK"), request, reply) is None
