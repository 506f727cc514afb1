"""Writes the chaos matrix for machines: JSON, whose matrix is the same for the same seed, and JUnit XML."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from soundstage.chaos.plan import Plan, Trial
from soundstage.chaos.run import Result, Setup, replay

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_json(path: Path, setup: Setup, plan: Plan, baseline: Result | None, results: Mapping[str, Result]) -> None:
    """Write everything that is known; `matrix` holds nothing that depends on the machine or its load."""
    counts = Counter(one.outcome for one in results.values())
    rows = [*(() if baseline is None else (baseline,)), *results.values()]
    document = {
        "provider": setup.provider.id,
        "command": list(setup.command),
        "seed": setup.seed,
        "clock": setup.clock,
        "speed": setup.speed,
        "counts": dict(sorted(counts.items())),
        "matrix": [
            *(() if baseline is None else (_row(baseline),)),
            *(_row(results[trial.name]) for trial in plan.trials),
            *({"name": one.name, "outcome": "not applicable", "caught_by": []} for one in plan.left_out),
        ],
        "runs": {one.name: _details(one) for one in rows},
        "replay": {trial.name: replay(setup, trial) for trial in plan.trials},
        "left_out": {one.name: one.reason for one in plan.left_out},
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _row(result: Result) -> dict[str, Any]:
    return {"name": result.name, "outcome": result.outcome, "caught_by": list(result.caught_by)}


def _details(result: Result) -> dict[str, Any]:
    return {
        "exit_code": result.code,
        "findings": list(result.findings),
        "warnings": list(result.warnings),
        "notes": list(result.notes),
        "output": result.output,
        "timeline": list(result.timeline),
    }


def write_junit(path: Path, setup: Setup, plan: Plan, baseline: Result | None, results: Mapping[str, Result]) -> None:
    """Write one test case for each trial; what was not met or not applicable counts as skipped."""
    suite = ET.Element("testsuite", name=f"soundstage chaos {setup.provider.id}")
    if baseline is not None:
        _case(suite, setup, None, baseline)
    for trial in plan.trials:
        _case(suite, setup, trial, results[trial.name])
    for one in plan.left_out:
        case = ET.SubElement(suite, "testcase", classname=_family(one.name), name=one.name)
        ET.SubElement(case, "skipped", message=f"not applicable: {one.reason}")
    for name, tag in (("tests", "testcase"), ("failures", "testcase/failure"), ("skipped", "testcase/skipped")):
        suite.set(name, str(len(suite.findall(tag))))
    suite.set("errors", "0")
    ET.indent(suite)
    path.write_bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True))


def _case(suite: ET.Element, setup: Setup, trial: Trial | None, result: Result) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_family(result.name), name=result.name, time=f"{result.seconds:.3f}"
    )
    if result.outcome in {"not met", "not run"}:
        ET.SubElement(case, "skipped", message=_clean("; ".join((result.outcome, *result.notes))))
    if result.outcome != "caught":
        return
    failure = ET.SubElement(case, "failure", message=_clean("caught by " + ", ".join(result.caught_by)))
    told = [str(one["message"]) for one in result.findings]
    failure.text = _clean("\n".join([*told, *result.notes, *(() if trial is None else (replay(setup, trial),))]))
    ET.SubElement(case, "system-out").text = _clean(result.output)


def _family(name: str) -> str:
    return f"soundstage.{name.partition('/')[0]}" if "/" in name else "soundstage"


def _clean(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)
