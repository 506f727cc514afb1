"""Claims a temporary folder for as long as this process lives, and deletes those whose process was killed.

A claim is a lock, which the system gives up for whoever dies. Where there are no such locks, nothing is deleted.
"""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_CLAIM: Final = "claim"


def claim(folder: Path) -> int | None:
    """Claim a folder and return what to close when it is given up; None where folders cannot be claimed."""
    if sys.platform == "win32":
        return None
    # Locked before it has its name: nobody ever finds a claim that is not held. It is no file, as those here are kept.
    part = folder / f"{_CLAIM}.part"
    part.mkdir()
    held = os.open(part, os.O_RDONLY)
    if not _locked(held):
        os.close(held)
        return None
    part.rename(folder / _CLAIM)
    return held


def sweep(beside: Path, prefix: str) -> None:
    """Delete the claimed folders whose name begins with `prefix` and whose process is gone; others are left alone."""
    if sys.platform == "win32":
        return
    for path in beside.glob(f"{prefix}*/{_CLAIM}"):
        # A folder of somebody else's, or one that goes away at this moment, is none of ours.
        with suppress(OSError):
            _sweep_one(path)


def _sweep_one(path: Path) -> None:
    folder = path.parent
    if sys.platform == "win32" or folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return
    found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        if _locked(found):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(found)


def _locked(file: int) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl  # noqa: PLC0415 - not every system has it

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
