"""Where the data files are: at the repository's root in a checkout, in the data package when installed."""

from functools import cache
from pathlib import Path


@cache
def schema_root() -> Path:
    """Return the folder that holds one folder of contract data per provider."""
    here = Path(__file__).resolve().parent
    checkout = here.parents[1] / "schemas"
    return checkout if checkout.is_dir() else here.parent / "soundstage_schemas"
