"""The report as JUnit XML, as pytest, GitHub, GitLab and Jenkins read it: one suite a provider, one case a promise.

FAIL is a failure, NOT_REACHED an error; NOT_TESTED and NOT_APPLICABLE are skipped, each with its verdict and reason.
Source: the schema xunit2 of pytest and of Jenkins' xUnit plugin.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from soundstage_contracts.report.document import Document

_KIND = {"FAIL": "failure", "NOT_REACHED": "error", "NOT_TESTED": "skipped", "NOT_APPLICABLE": "skipped"}
# What XML 1.0 has no way to say, not even escaped.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(told: Document) -> str:
    """Return the document as JUnit XML."""
    root = Element("testsuites", name="soundstage verify")
    for provider, run in zip(told["providers"], told["runs"], strict=True):
        root.append(_suite(provider, run))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(provider: Document, run: Document) -> Element:
    counts, results = provider["counts"], provider["results"]
    suite = Element(
        "testsuite",
        name=provider["provider"],
        tests=str(len(results)),
        failures=str(counts["FAIL"]),
        errors=str(counts["NOT_REACHED"]),
        skipped=str(counts["NOT_TESTED"] + counts["NOT_APPLICABLE"]),
        time=f"{run['seconds']:.3f}",
        timestamp=run["began"].removesuffix("Z"),
    )
    properties = SubElement(suite, "properties")
    for name, value in {
        **provider["asked"],
        "base_url": run["base_url"],
        "interrupted": provider["interrupted"],
    }.items():
        SubElement(properties, "property", name=name, value=sayable(_plain(value)))
    for result in results:
        suite.append(_case(provider["provider"], result, run["seconds_of"].get(result["id"], 0.0)))
    return suite


def _case(provider: str, result: Document, seconds: float) -> Element:
    name = sayable(result["id"])
    case = Element("testcase", classname=f"{provider}.{result['subject']}", name=name, time=f"{seconds:.4f}")
    kind = _KIND.get(result["verdict"])
    if kind is not None:
        message = result["says"] or result["title"]
        told = message if kind != "skipped" else f"{result['verdict']}: {message}"
        entry = SubElement(case, kind, message=sayable(told), type=result["verdict"])
        if kind != "skipped":
            entry.text = sayable(in_words(result))
    return case


def in_words(result: Document) -> str:
    """Return a result with its evidence as plain text."""
    lines = [f"{result['id']}: {result['title']}", result["says"]]
    if result["sources"]:
        lines.append(f"Sources: {', '.join(result['sources'])}")
    for one in result["evidence"]:
        request, reply = one["request"], one["reply"]
        lines += ["", one["curl"] or f"the target called {request['method']} {request['url']}: {request['body']}"]
        lines.append(f"-> {reply['status']} {reply['body']}" if reply is not None else f"-> {one['failure']}")
    return "\n".join(lines)


def sayable(text: str) -> str:
    """Return a text that XML can hold."""
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
