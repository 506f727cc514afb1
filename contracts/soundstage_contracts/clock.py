"""Real time, for the few places that need it: deadlines, waits between polls, stamps of evidence."""

import time

monotonic = time.monotonic
"""Seconds of a clock that never goes back."""

unix = time.time
"""Seconds since 1970."""

wait = time.sleep
"""Wait so many seconds; only ever between polls of a target whose time nobody can move."""
