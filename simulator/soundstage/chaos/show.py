"""Shows the chaos matrix on a terminal: how far it is, then a table, then what is wrong in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from soundstage.chaos.plan import Plan, Trial
from soundstage.chaos.run import TIME_OUT, Met, Result, Setup, replay

_STYLES: Final = {"survived": "green", "caught": "red", "not met": "yellow", "not run": "yellow"}
_MOST_LINES = 15
_MOST_FINDINGS = 10


class Report:
    """What is known so far. Results are kept by their place in the plan, whoever ends first."""

    def __init__(self, setup: Setup, plan: Plan, console: Console) -> None:
        self.baseline: Result | None = None
        self.unusable: str | None = None
        self._setup = setup
        self._plan = plan
        self._console = console
        self._found: dict[int, Result] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar: TaskID = self._progress.add_task("", total=len(plan.trials) + 1)
        self._progress.start()

    @property
    def results(self) -> Mapping[str, Result]:
        """The result of every trial, in the order of the plan; one that did not end is `not run`."""
        return {
            trial.name: self._found.get(place, Result(trial.name, "not run"))
            for place, trial in enumerate(self._plan.trials)
        }

    @property
    def survived(self) -> bool:
        """Whether nothing was found, with any fault or without."""
        every = [self.baseline, *self.results.values()]
        return all(one is not None and one.outcome in {"survived", "not met"} for one in every)

    @property
    def tried(self) -> bool:
        """Whether the command came across any fault at all."""
        return any(one.outcome in {"survived", "caught"} for one in self.results.values())

    def begun(self, name: str) -> None:
        """Show what is being run."""
        self._progress.update(self._bar, description=name)

    def add_baseline(self, result: Result, met: Met) -> None:
        """Take the result of the run without any fault, and what the command did in it."""
        self.baseline = result
        provider = self._setup.provider
        if result.code != 0:
            self.unusable = f"Without any fault the command {_ending(result, self._setup)}; no fault was tried."
        elif not met.roles:
            self.unusable = (
                f"The command made no call to {provider.title}, so no fault was tried. Let it take the address from "
                f"{provider.base_url_variable} and the key from {provider.id.upper()}_API_KEY, or see --env."
            )
        elif result.caught_by:
            # Every trial would find it again, and say nothing about its fault.
            names = " ".join(f"--ignore {name}" for name in result.caught_by)
            first = next(_words(result, self._setup), "")
            self.unusable = (
                f"Without any fault already: {first} Mend it, or leave it out ({names}). No fault was tried."
            )
        self._progress.advance(self._bar)

    def add(self, place: int, result: Result) -> None:
        """Take the result of one trial."""
        self._found[place] = result
        self._progress.advance(self._bar)

    def end(self) -> None:
        """Print everything."""
        self._progress.stop()
        if self.baseline is None:
            return
        if self.unusable is not None:
            self._say(self.unusable, *(f"  | {line}" for line in _tail(self.baseline.output)))
            return
        self._console.print(self._table())
        for one in self._plan.left_out:
            self._say(f"Not applicable: {one.name}, {one.reason}.")
        for trial, result in zip(self._plan.trials, self.results.values(), strict=True):
            if result.outcome == "caught":
                self._tell(trial, result)
        self._say("", _sum(self.results.values()))
        if not self.tried:
            self._say("The command came across none of these faults, so nothing was tried.")

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        # A name is there to be copied, so it is never broken.
        width = max(map(len, self.results), default=0)
        table.add_column("fault", overflow="fold", min_width=width)
        table.add_column("result", overflow="fold")
        table.add_column("seconds", justify="right")
        table.add_column("what was found first", overflow="fold")
        rows = [*self.results.values()]
        if self.baseline is not None:
            rows.insert(0, self.baseline)
        for one in rows:
            said = "caught by " + ", ".join(one.caught_by) if one.outcome == "caught" else one.outcome
            seconds = f"{one.seconds:.1f}" if one.seconds else ""
            first = next(_words(one, self._setup), "") if one.outcome == "caught" else ", ".join(one.notes)
            table.add_row(one.name, Text(said, _STYLES[one.outcome]), seconds, Text(first))
        return table

    def _tell(self, trial: Trial | None, result: Result) -> None:
        self._say("", f"{result.name}: caught by {', '.join(result.caught_by)}")
        words = list(_words(result, self._setup))
        self._say(*(f"  {line}" for line in words[:_MOST_FINDINGS]))
        if len(words) > _MOST_FINDINGS:
            self._say(f"  and {len(words) - _MOST_FINDINGS} more")
        self._say(*(f"  | {line}" for line in _tail(result.output)))
        if trial is not None:
            self._say(f"  replay: {replay(self._setup, trial)}")

    def _say(self, *lines: str) -> None:
        for line in lines:
            # A line to be copied must not be broken, and nothing in it is markup.
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _words(result: Result, setup: Setup) -> Iterator[str]:
    if result.code != 0:
        yield f"The command {_ending(result, setup)}."
    yield from (str(one["message"]) for one in result.findings)
    yield from result.notes


def _ending(result: Result, setup: Setup) -> str:
    if result.code is None:
        return f"was still running after {setup.timeout:g} s ({TIME_OUT})"
    return f"was killed by signal {-result.code}" if result.code < 0 else f"ended with exit code {result.code}"


def _tail(output: str) -> list[str]:
    # What a command prints must not steer the terminal it is shown on.
    lines = ["".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in line) for line in output.splitlines()]
    return [line for line in lines if line.strip()][-_MOST_LINES:]


def _sum(results: Iterable[Result]) -> str:
    counts = Counter(one.outcome for one in results)
    tried = counts["survived"] + counts["caught"]
    parts = [f"{counts['survived']} of {tried} survived"]
    parts += [f"{counts[name]} {name}" for name in ("not met", "not run") if counts[name]]
    return "; ".join(parts) + "."
