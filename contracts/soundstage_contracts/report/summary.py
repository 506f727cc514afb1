"""The report as the summary of a GitHub step: a table of counts, then what is broken."""

from __future__ import annotations

import re

from soundstage_contracts.report.document import Document
from soundstage_contracts.verdict import Verdict

MOST_TOLD = 30
MOST_TEXT = 600
MOST_BYTES = 900_000
"""GitHub takes a mebibyte a step."""
_MARKS = {"FAIL": "\N{CROSS MARK}", "NOT_REACHED": "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"}


def as_summary(told: Document) -> str:
    """Return the document as GitHub's Markdown."""
    lines = ["## Provider contracts", ""]
    if told["interrupted"]:
        lines += ["The run was interrupted; what is counted as NOT_TESTED includes what did not come any more.", ""]
    lines += [f"| provider | {' | '.join(Verdict)} | requests |", f"|---|{'---:|' * (len(Verdict) + 1)}"]
    for provider in told["providers"]:
        mark = "\N{WHITE HEAVY CHECK MARK}" if provider["kept"] else _MARKS["FAIL"]
        counts = " | ".join(str(provider["counts"][verdict]) for verdict in Verdict)
        lines.append(f"| {mark} {plain(provider['title'])} | {counts} | {provider['requests']} |")
    for provider in told["providers"]:
        lines += _broken(provider)
    text = "\n".join(lines) + "\n"
    return text if len(text.encode()) <= MOST_BYTES else text.encode()[:MOST_BYTES].decode("utf-8", "ignore") + "\n"


def _broken(provider: Document) -> list[str]:
    broken = [result for result in provider["results"] if result["verdict"] in _MARKS]
    if not broken:
        return []
    lines = ["", f"### {plain(provider['title'])}: {len(broken)} of {len(provider['results'])} promises", ""]
    for result in broken[:MOST_TOLD]:
        lines.append(f"- {_MARKS[result['verdict']]} **{plain(result['id'])}** {plain(result['title'])}")
        lines.append(f"  {plain(result['says'])}")
        if result["evidence"] and result["evidence"][-1]["curl"]:
            lines += ["  ", *_fenced(result["evidence"][-1]["curl"])]
    more = len(broken) - MOST_TOLD
    return [*lines, *([f"- and {more} more"] if more > 0 else [])]


def plain(text: str) -> str:
    """Return a text in which nothing is Markdown or HTML: a reply's words may not shape the page."""
    line = " ".join(text.split())[:MOST_TEXT]
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~@-])", r"\\\1", line)


def _fenced(text: str) -> list[str]:
    # The fence is longer than any run of backticks inside, so that nothing inside ends it.
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"  {fence}sh", *(f"  {line}" for line in text[:2000].splitlines()), f"  {fence}"]
