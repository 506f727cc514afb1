"""Where the data files are, and how they are read: at the root of a checkout, in the data package when installed."""

from functools import cache
from pathlib import Path
from typing import Any


@cache
def schema_root() -> Path:
    """Return the folder that holds one folder of contract data per provider."""
    here = Path(__file__).resolve().parent
    installed = here.parent / "soundstage_schemas"
    # Asked first: a folder of this common name may lie anywhere above an installation.
    return installed if installed.is_dir() else here.parents[1] / "schemas"


def read_yaml(path: Path) -> Any:
    """Return what a YAML 1.2 file says; `16:9`, `no` and dates stay the strings they look like."""
    # The two imports cost 20 ms; whoever asks only for --help does not pay them.
    from yaml import load  # noqa: PLC0415
    from yamlcore import CCoreLoader  # noqa: PLC0415

    return load(path.read_text(encoding="utf-8"), Loader=CCoreLoader)  # noqa: S506 - a core-schema loader, no objects
