"""The engine: a discrete-event world of clocks, tasks, money and callbacks. Standard library only, no I/O.

Units: every instant is an integer of milliseconds since 1970 UTC (`*_at`, `due`, `now`), every span an integer of
milliseconds (`*_ms`), every amount of money an integer of millionths of a credit (micros).
"""
