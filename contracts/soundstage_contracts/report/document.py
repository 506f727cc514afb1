"""The report as one JSON value, free of secrets; every other form of the report is made from it.

What two runs of one seed share is under `providers`; when it was and how long it took is under `runs`.
`report.schema.json` beside this module describes it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any

from soundstage_contracts.command.outcome import Report
from soundstage_contracts.exchange import Exchange, Headers
from soundstage_contracts.redaction import IN_SHELL, Redactor
from soundstage_contracts.verdict import Result, Verdict
from soundstage_contracts.wire import origin_of

FORMAT = "soundstage-contract-report"
VERSION = 1
MOST_TEXT = 4_000
"""A body is shown up to so many characters."""
MOST_EXCHANGES = {Verdict.PASS: 2, Verdict.NOT_TESTED: 2, Verdict.NOT_APPLICABLE: 0}
"""How many of the last exchanges are shown for a verdict; of the others MOST_OF_A_FAILURE."""
MOST_OF_A_FAILURE = 12
LEAST = 6
"""A secret has at least so many characters."""
# They say when a reply was made and by whom, which is nobody's promise, and differ from run to run.
UNTOLD = {"date", "server"}

_NAMES = re.compile(r"\$(?:BASE_URL|TARGET|CALLBACKS|(?:WEBHOOK_SECRET|API_KEY)(?:_\d+)?)")

Document = dict[str, Any]


def as_document(reports: Sequence[Report]) -> Document:
    """Return the reports of one run as a JSON value."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "suite": suite_version(),
        "interrupted": any(report.interrupted for report in reports),
        "kept": all(report.kept for report in reports),
        "providers": [_provider(report) for report in reports],
        "runs": [_run(report) for report in reports],
    }


def as_json(told: Document) -> str:
    """Return the document as text, its keys in a fixed order."""
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def suite_version() -> str:
    """Return the version of the installed suite."""
    try:
        return version("soundstage")
    except PackageNotFoundError:
        return "unknown"


def redactor(report: Report) -> Redactor:
    """Return what takes a report's secrets out, and names its addresses; one for the whole report, kept up to date."""
    clean, base = report.clean, report.options.base_url
    for secret, name in islice(report.secrets.items(), clean.count, None):
        _hide(clean, secret, name)
    for text, name in {origin_of(base): "TARGET", **report.addresses, base: "BASE_URL"}.items():
        if text:
            clean.call(text, name)
    return clean


def _hide(clean: Redactor, secret: str, name: str) -> None:
    # Shorter texts are no secrets; replacing them would make a report unreadable.
    if len(secret) < LEAST:
        clean.count += 1
    else:
        # A sentence may quote the beginning of a reply; keys that an adapter made look alike there.
        clean.hide(secret, name, cut=not name[-1].isdecimal())


def _address(report: Report) -> str:
    """Return the base URL as it was given, but for secrets."""
    clean = Redactor(IN_SHELL)
    for secret, name in report.secrets.items():
        _hide(clean, secret, name)
    return clean.text(report.options.base_url)


def _provider(report: Report) -> Document:
    asked, clean = report.options, redactor(report)
    order = {name: place for place, name in enumerate(("L0", "L1", "L2", "L3"))}
    results = sorted(report.results, key=lambda one: (order.get(one.layer, 9), natural(one.id)))
    return {
        "provider": report.provider,
        "title": report.title,
        "kept": report.kept,
        "interrupted": report.interrupted,
        "asked": {
            "adapter": asked.adapter,
            "assumptions": asked.assumptions,
            "layers": list(asked.layers),
            "seed": asked.seed,
            "only": list(asked.only),
            "max_credits": None if asked.caps is None else str(asked.caps.credits),
            "own_simulator": report.own_simulator,
        },
        "counts": {verdict.value: report.counts[verdict] for verdict in Verdict},
        "requests": report.requests,
        "spent": None if report.spent is None else str(report.spent),
        "results": [_result(one, clean) for one in results],
    }


def _run(report: Report) -> Document:
    clean = redactor(report)
    began = datetime.fromtimestamp(report.began, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "provider": report.provider,
        "base_url": _address(report),
        "began": began,
        "seconds": round(report.seconds, 3),
        "seconds_of": {clean.text(result.id): round(result.seconds, 4) for result in report.results},
    }


def natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts ids as people do, 9 before 10."""
    digits = "".join(letter if letter.isdecimal() else " " for letter in name).split()
    parts: list[tuple[int, str]] = []
    for number in digits:
        before, _, name = name.partition(number)
        parts += [(0, before), (int(number), number)]
    return [*parts, (0, name)]


def _result(result: Result, clean: Redactor) -> Document:
    most = MOST_EXCHANGES.get(result.verdict, MOST_OF_A_FAILURE)
    shown = result.evidence[-most:] if most else ()
    told = {
        "id": result.id,
        "subject": subject_of(result.id),
        "title": result.title,
        "layer": result.layer,
        "verdict": result.verdict.value,
        "says": result.says,
        "sources": list(result.sources),
        "exchanges": len(result.evidence),
        "evidence": [exchange_told(one, clean) for one in shown],
    }
    return told | {name: clean.tree(told[name]) for name in ("id", "title", "says")}


def subject_of(name: str) -> str:
    """Return the subject of an id: MONEY of MID-MONEY-003[case]."""
    parts = name.partition("[")[0].split("-")
    return parts[1] if len(parts) > 1 else parts[0]


def exchange_told(exchange: Exchange, clean: Redactor) -> Document:
    """Return an exchange as a JSON value, free of secrets."""
    request, reply = exchange.request, exchange.reply
    return {
        "kind": exchange.kind,
        "request": {
            "method": request.method,
            "url": clean.text(_url(exchange)),
            "headers": _headers(request.headers, clean),
            "body": _body(request.body, clean),
        },
        "reply": None
        if reply is None
        else {
            "status": reply.status,
            "headers": _headers(reply.headers, clean),
            "body": _body(reply.body, clean),
        },
        "failure": clean.text(exchange.failure),
        "curl": "" if exchange.kind == "callback" else curl(exchange, clean),
    }


def curl(exchange: Exchange, clean: Redactor) -> str:
    """Return a request as a curl command, in which `$BASE_URL` and `$API_KEY` are the shell's to fill in."""
    words = ["curl", "-sS", "-i", "-X", exchange.request.method, _url(exchange)]
    for name, value in exchange.request.headers:
        words += ["-H", f"{name}: {value}"]
    if exchange.request.body:
        words += ["--data-binary", exchange.request.body.decode("utf-8", "backslashreplace")[:MOST_TEXT]]
    return " ".join(_word(clean.text(word)) for word in words)


def _word(word: str) -> str:
    """Quote a word for a shell; only the names that stand in for secrets and addresses are left to the shell."""
    quoted = _NAMES.sub(lambda name: f"'\"{name.group()}\"'", shlex.quote(word))
    return quoted.removeprefix("''").removesuffix("''") or "''"


def _url(exchange: Exchange) -> str:
    path = exchange.request.path
    return path if "://" in path or exchange.kind == "callback" else f"$BASE_URL{path}"


def _headers(headers: Headers, clean: Redactor) -> list[list[str]]:
    told = [(name, value) for name, value in headers if name.lower() not in UNTOLD]
    return [[clean.text(name), clean.text(value)] for name, value in told]


def _body(body: bytes, clean: Redactor) -> str:
    """Return a body as text, or what it is where it is none."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"<{len(body)} bytes, sha256 {sha256(body).hexdigest()}>"
    text = clean.text(text)
    more = len(text) - MOST_TEXT
    return text if more <= 0 else f"{text[:MOST_TEXT]}… ({more} more characters)"


def counts_line(counts: Mapping[str, int]) -> str:
    """Return the counts of the five verdicts as one line, none of them folded into another."""
    return ", ".join(f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict)
