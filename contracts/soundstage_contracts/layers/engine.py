"""Runs Schemathesis in a process of its own: a job comes in as one line of JSON, what was seen goes out line by line.

With `engine_wire` the only module that knows Schemathesis, whose engine and recorder are not promised to stay as they
are; `beginning` looks whether they are. A process of its own keeps Hypothesis' global state, its warnings and what it
reads from loaded modules away from the caller.
"""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from typing import Any

import schemathesis
from hypothesis import reject
from hypothesis.internal.conjecture import providers
from requests.adapters import HTTPAdapter
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, StopReason, events
from schemathesis.generation.case import Case
from schemathesis.generation.jsonschema.builder import build
from schemathesis.specs.openapi import negative

from soundstage_contracts.drivers import driver_of
from soundstage_contracts.exchange import Reply, Request
from soundstage_contracts.layers.engine_wire import Wire, body_of, encoded, plain, say, where_of
from soundstage_contracts.layers.jobs import PHASES, Job
from soundstage_contracts.layers.refusals import Judge

STATUSES = {
    "positive_data_acceptance": ["2xx"],
    "negative_data_rejection": ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422"],
}
"""What each check takes as the right answer; documented refusals of valid data are sorted out one by one (`Judge`)."""

_PARTS = ((providers, "is_local_module_file"), (providers, "_local_constants"), (negative, "build"))
"""What is replaced or looked at here and has no public name; assigning to what is not there would do nothing."""


def main() -> None:
    """Do the job that standard input brings; raises ImportError where a part that is replaced is not there."""
    for module, name in _PARTS:
        if not hasattr(module, name):
            raise ImportError(f"{module.__name__} has no {name}")
    # Hypothesis draws values from literals of the modules it finds; what is sent must not depend on where the suite was
    # installed, nor carry anything out of it.
    setattr(providers, "is_local_module_file", lambda path: False)  # noqa: B010 - no public name, no public switch
    job = Job(**json.loads(sys.stdin.readline()))
    wire = Wire(job)
    HTTPAdapter.send = wire.sending(HTTPAdapter.send)  # type: ignore[method-assign]
    _pass_over()
    _judge(job)
    _fill(job)
    _send_files()
    schema = schemathesis.openapi.from_dict(job.document, config=SchemathesisConfig.from_dict(_config(job)))
    schema.config.update(base_url=job.base_url)
    stream = schemathesis.engine.from_schema(schema).execute()
    stopped = False
    for event in stream:
        _tell(event)
        if wire.late and not stopped:
            stopped = True
            stream.stop()
    say("end", late=wire.late, harvested=len(providers._local_constants))  # noqa: SLF001


def _pass_over() -> None:
    """Let the engine take another damaged schema where it made one that it cannot build values for (4.32)."""

    def built(*given: Any, **named: Any) -> Any:
        try:
            return build(*given, **named)
        except InvalidSchema:
            reject()

    setattr(negative, "build", built)  # noqa: B010 - the name is imported there, not defined


def _fill(job: Job) -> None:
    """Let well-formed requests carry real files and ids that are somebody's, which no schema can say."""
    files = {kind: base64.b64decode(content) for kind, content in job.files.items()}

    @schemathesis.hook
    def map_case(context: Any, case: Case[Any]) -> Case[Any]:
        body = case.body
        if case.meta is None or not case.meta.generation.mode.is_positive or not isinstance(body, dict):
            return case
        raw = case.operation.definition.raw
        known: dict[str, Any] = {
            name: value for name, value in job.given.get(raw["operationId"], {}).items() if name in body
        }
        for name, kind in _kinds_of_files(raw, case.media_type).items():
            if name in body and kind in files:
                given: Any = body[name]
                known[name] = [files[kind]] * len(given) if isinstance(given, list) else files[kind]
        if known:
            case.body = {**body, **known}
        return case


def _kinds_of_files(raw: Any, media_type: str | None) -> dict[str, str]:
    """Return by field of a form the kind of files it takes: image, video or audio."""
    content = raw.get("requestBody", {}).get("content", {}).get(media_type, {})
    said = {name: str(one.get("contentType", "")) for name, one in content.get("encoding", {}).items()}
    return {name: kind.partition("/")[0] for name, kind in said.items()}


def _send_files() -> None:
    """Let whatever stands where a file should be go out as bytes."""

    def media(context: Any, value: Any) -> Any:
        return {"data": value if isinstance(value, bytes) else str(value).encode()}

    kinds = "audio/mpeg audio/wav audio/mp4 audio/ogg audio/flac video/mp4 video/webm video/quicktime"
    schemathesis.serializer(*kinds.split())(media)


def _judge(job: Job) -> None:
    judge = Judge(driver_of(job.provider))

    @schemathesis.hook
    def filter_failure(context: Any, failure: Failure, case: Case[Any], response: Any) -> bool:
        reply = Reply(
            response.status_code,
            tuple((name, one) for name, values in response.headers.items() for one in values),
            response.content or b"",
        )
        sent = response.request
        headers = tuple((name, plain(value)) for name, value in sent.headers.items())
        request = Request(sent.method or "", where_of(sent, job.base_url), headers, body_of(sent))
        operation = case.operation.definition.raw["operationId"]
        return judge.why(operation, type(failure).__name__, failure.message, request, reply) is None


def _config(job: Job) -> dict[str, Any]:
    return {
        "seed": job.seed,
        "workers": 1,
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "warnings": False,
        "headers": {"accept-encoding": "identity"},
        "auth": {"openapi": {job.scheme: {"bearer": job.key}}},
        "generation": {
            "mode": "all",
            "max-examples": job.max_examples,
            "database": "none",
            "with-security-parameters": False,
        },
        "phases": _phases(job),
        "checks": {
            "enabled": False,
            **{name: {"enabled": True, **_expected(name)} for name in job.checks},
        },
    }


def _phases(job: Job) -> dict[str, Any]:
    phases: dict[str, Any] = {name: {"enabled": name in job.phases} for name in PHASES}
    # Requests may not depend on how a target words its refusals.
    phases["fuzzing"]["error-feedback"] = {"enabled": False}
    if not job.assumptions:
        # Nobody says what a real provider does with a method that it does not document.
        phases["coverage"]["unexpected-methods"] = []
    return phases


def _expected(check: str) -> dict[str, Any]:
    return {"expected-statuses": STATUSES[check]} if check in STATUSES else {}


def _tell(event: events.EngineEvent) -> None:
    if isinstance(event, events.ScenarioFinished):
        _tell_scenario(event)
    elif isinstance(event, events.PhaseFinished):
        reason = event.phase.skip_reason
        say("phase", name=event.phase.name.value, status=event.status.value, reason=reason.value if reason else "")
    elif isinstance(event, events.NonFatalError):
        say("error", says=f"{event.label}: {type(event.value).__name__}: {event.value}"[:500])
    elif isinstance(event, events.FatalError):
        say("error", says=f"{type(event.exception).__name__}: {event.exception}"[:500])
    elif isinstance(event, events.EngineFinished) and event.stop_reason not in {
        StopReason.COMPLETED,
        StopReason.INTERRUPTED,
    }:
        say("stopped", says=f"the engine stopped: {event.stop_reason.value.replace('_', ' ')}")
    elif isinstance(event, events.Interrupted):
        say("error", says="the engine was interrupted")


def _tell_scenario(event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    counts: Counter[tuple[str, str]] = Counter()
    for case_id, checks in recorder.checks.items():
        operation = recorder.cases[case_id].value.operation.definition.raw["operationId"]
        for check in checks:
            counts[operation, check.name] += 1
            if check.status == Status.FAILURE and check.failure_info is not None:
                failure = check.failure_info.failure
                seen = recorder.interactions.get(check.failure_info.failure.case_id or case_id)
                said = {"title": failure.title, "says": failure.message, "phase": event.phase.value}
                say("failure", operation=operation, check=check.name, exchange=_interaction(seen), **said)
    say("checks", counts=[[*key, count] for key, count in counts.items()])


def _interaction(seen: Any) -> dict[str, Any] | None:
    if seen is None:
        return None
    headers = [(name, one) for name, values in seen.request.headers.items() for one in values]
    request = {
        "method": seen.request.method,
        "path": seen.request.uri,
        "headers": headers,
        "body": encoded(seen.request.body),
    }
    if seen.response is None:
        return {"request": request, "reply": None}
    came = [(name, one) for name, values in seen.response.headers.items() for one in values]
    reply = {"status": seen.response.status_code, "headers": came, "body": encoded(seen.response.content), "took": 0.0}
    return {"request": request, "reply": reply}
