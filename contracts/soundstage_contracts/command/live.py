"""What a run shows while it goes on and when it ends: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import sys
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from soundstage_contracts.command.run import Run
from soundstage_contracts.report.document import Document, counts_line, redactor
from soundstage_contracts.verdict import Result, Verdict

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.NOT_REACHED: "yellow",
    Verdict.NOT_TESTED: "dim",
    Verdict.NOT_APPLICABLE: "dim",
}
_BAD = {Verdict.FAIL, Verdict.NOT_REACHED}
_MOST_REASONS = 4
_MOST_TOLD = 40
_EVERY = 100
"""Where nothing moves, a line says how far it is after so many results."""
# What a reply says is shown to people: it may not move their cursor or colour their screen.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Live:
    """Shows one provider after another; everything goes to standard output."""

    def __init__(self) -> None:
        """Find out whether anybody can see a line move."""
        self.console = Console(highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._run: Run | None = None
        self._done = 0

    def begin(self, run: Run) -> None:
        """Show that a provider's run begins."""
        self._run, self._done = run, 0
        asked = run.options
        driven = "no adapter" if asked.adapter == "none" else f"adapter {asked.adapter}"
        most = "" if asked.caps is None else f", at most {asked.caps.credits} credits"
        layers = ", ".join(asked.layers)
        self._line(f"{run.driver.title} at {asked.base_url} ({driven}{most}; {layers}; seed {asked.seed})", "bold")
        if self.console.is_terminal:
            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
            )
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._task = self._progress.add_task("", total=len(run.planned()))
            self._progress.start()

    def came(self, result: Result) -> None:
        """Show a result; one that is bad gets a line that stays."""
        self._done += 1
        if result.verdict in _BAD and self._run is not None:
            clean = redactor(self._run.report)
            self._line(
                f"{result.verdict:<11} {clean.text(result.id)}  {clean.text(result.says)}", _STYLES[result.verdict]
            )
        if self._progress is not None and self._run is not None:
            left = len(self._run.planned()) if self._done % 25 == 0 else None
            total = None if left is None else self._done + left
            self._progress.update(self._task, completed=self._done, total=total, description=shown(result.id)[:60])
        elif self._done % _EVERY == 0:
            self._line(f"... {self._done} promises looked at", "dim")
            sys.stdout.flush()

    def stop(self) -> None:
        """Let the moving line go."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def end(self, told: Document) -> None:
        """Show the counts of every provider and what is broken, each with its command."""
        for provider, run in zip(told["providers"], told["runs"], strict=True):
            self._line("")
            state = "interrupted" if provider["interrupted"] else "kept" if provider["kept"] else "broken"
            style = "bold green" if state == "kept" else "bold red" if state == "broken" else "bold yellow"
            seconds = f"{provider['requests']} requests, {run['seconds']:.1f} s"
            # A run that could try little must not sound like one that tried all.
            only = provider["counts"][Verdict.NOT_TESTED] if state == "kept" else 0
            state += " as far as it was tried" if only else ""
            self._line(f"{provider['title']}: {state} ({counts_line(provider['counts'])}; {seconds})", style)
            for reason, count in _reasons(provider):
                self._line(f"{count} not tested: {reason}", indent=2)
            bad = [result for result in provider["results"] if result["verdict"] in _BAD]
            for result in bad[:_MOST_TOLD]:
                self._broken(result)
            if len(bad) > _MOST_TOLD:
                self._line(f"  and {len(bad) - _MOST_TOLD} more; the reports have them all")

    def _broken(self, result: Document) -> None:
        style = _STYLES[Verdict(result["verdict"])]
        self._line(f"{result['verdict']} {result['id']}: {result['title']}", style, indent=2)
        self._line(result["says"], indent=4)
        if result["sources"]:
            self._line(f"source: {', '.join(result['sources'])}", "dim", indent=4)
        commands = [one["curl"] for one in result["evidence"] if one["curl"]]
        if commands:
            self._line(commands[-1], "dim", indent=4)

    def _line(self, text: str, style: str = "", indent: int = 0) -> None:
        self.console.print(Text(" " * indent + shown(text), style=style))


def shown(text: str) -> str:
    """Return a text that a terminal only shows, on one line."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()) if "\n" in text else text)


def _reasons(provider: Document) -> list[tuple[str, int]]:
    """Return the most frequent reasons why promises were not tested, with their counts."""
    said = Counter(result["says"] for result in provider["results"] if result["verdict"] == Verdict.NOT_TESTED)
    return said.most_common(_MOST_REASONS)
