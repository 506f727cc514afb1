"""What a universe may be called by those who name one."""

import re

from soundstage.core.universe import DIRECTORY
from soundstage.edge.admin.context import AdminError

_UNIVERSE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")


def check_universe(name: str) -> None:
    """Raise AdminError unless `name` may be a universe's id."""
    if name == DIRECTORY or not _UNIVERSE.fullmatch(name):
        raise AdminError(
            400,
            "invalid_universe",
            f"a universe is named by 1 to 64 characters out of A-Z a-z 0-9 _ - . , got {name[:70]!r}",
            f"'{DIRECTORY}' is taken",
        )
