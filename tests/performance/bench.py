"""Measure Soundstage against *base* and hold the figures against the bars of the design.

Run: `python tests/performance/bench.py [--quick] [--floors] [--only speed,gateway,tail,start,growth,callbacks]`.
Both servers stay up and take turns on one core while the load runs on another, so that what disturbs the
machine disturbs both. `--subject base` measures base against itself: every ratio should then be near 1.
Exit code: 0, or 1 with --floors below the floors of CI, or 2 when something could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from callbacks import callbacks, receiver
from event_loop import cores, pinned
from gateway import gateway
from processes import NotStartedError
from results import Row, as_markdown, as_text, conditions
from sections import Plan, growth, start_up, tail, throughput
from targets import HERE, LoadError, server_core

SECTIONS: dict[str, Callable[[Plan], list[Row]]] = {
    "speed": throughput,
    "gateway": gateway,
    "tail": tail,
    "start": start_up,
    "growth": growth,
    "callbacks": callbacks,
}


def arguments_of(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one load (default 2)")
    parser.add_argument("--quick", action="store_true", help="3 short rounds and a tenth of the tasks")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--subject", choices=("soundstage", "base"), default="soundstage")
    parser.add_argument("--out", type=Path, default=HERE / "results.json", help="raw figures")
    parser.add_argument("--markdown", type=Path, default=HERE / "RESULTS.md", help="the table for people")
    parser.add_argument("--generator", action="store_true", help="only measure the load's own top speed")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--report", action="store_true", help="exit 0 whatever the figures (default)")
    how.add_argument("--floors", action="store_true", help="exit 1 below the floors of CI")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.only.split(",")) - set(SECTIONS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is not one of {', '.join(SECTIONS)}")
    return arguments


def plan_of(arguments: argparse.Namespace) -> Plan:
    """How much to measure."""
    if arguments.quick:
        return Plan(arguments.subject, rounds=3, seconds=0.5, stored=20_000, grown=5_000, warm=2_000)
    return Plan(arguments.subject, arguments.rounds, arguments.seconds)


def top_speed() -> float:
    """Requests per second the load reaches against a server that does nothing."""
    with receiver(server_core()) as trivial:
        return max(trivial.load(trivial.creates(), 64, 1.0).rate for _ in range(3))


def measure(plan: Plan, names: list[str]) -> list[Row]:
    """The rows of the sections asked for, in the order of the table."""
    rows: list[Row] = []
    for name, section in SECTIONS.items():
        if name in names:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            rows += section(plan)
    return rows


def write(rows: list[Row], plan: Plan, speed: float, arguments: argparse.Namespace) -> None:
    """Print the table and write both files."""
    how = f"{plan.rounds} interleaved rounds of {plan.seconds:g} s; the load alone reaches {speed:,.0f}/s"
    about = conditions(how, pinned=cores() is not None)
    raw = {"plan": asdict(plan), "generator_rate": speed, "rows": [row.raw() for row in rows]}
    arguments.out.write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
    arguments.markdown.write_text(as_markdown(rows, plan.subject, about), "utf-8")
    print(as_text(rows, plan.subject))
    for row in rows:
        if row.note:
            print(f"  {row.title}: {row.note}")


def main() -> int:
    """Measure, print, write; the exit code."""
    arguments = arguments_of()
    plan = plan_of(arguments)
    pair = cores()
    try:
        with pinned(pair[1] if pair else None):
            speed = top_speed()
            print(f"the load alone reaches {speed:,.0f} requests/s", file=sys.stderr)
            if arguments.generator:
                return 0
            rows = measure(plan, arguments.only.split(","))
    except (NotStartedError, LoadError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    write(rows, plan, speed, arguments)
    low = [row.title for row in rows if row.below_floor()]
    if low and arguments.floors:
        print(f"bench: below the floor of CI: {', '.join(low)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
