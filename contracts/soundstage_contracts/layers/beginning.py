"""Where the engine's process begins: starts the engine, or says that it does not fit what is installed."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import version

NEEDED = "4.32."
"""The Schemathesis whose inner parts the engine knows."""


def unsupported() -> str:
    """Return why the Schemathesis that is installed is not the one the engine knows, or nothing."""
    found = version("schemathesis")
    return "" if found.startswith(NEEDED) else f"this Schemathesis ({found}) is not supported, {NEEDED}x is needed"


def main() -> None:
    """Run the engine on the job that standard input brings."""
    says = unsupported()
    if not says:
        try:
            import_module("soundstage_contracts.layers.engine").main()
        except ImportError as error:
            both = " and ".join(f"{name} {version(name)}" for name in ("schemathesis", "hypothesis"))
            says = f"{both} do not go together here, Schemathesis {NEEDED}x is needed: {error}"
    if says:
        sys.stdout.write(json.dumps({"kind": "unsupported", "says": says}) + "\n")


if __name__ == "__main__":
    main()
