"""The admin API under /__admin: keys, clocks, tasks, records. Its errors never look like a provider's.

Only programs on this machine may use it: the Host and Origin headers are checked, so that a web page cannot drive it,
and beyond loopback a token is required.
"""

from soundstage.edge.admin.service import Admin

__all__ = ["Admin"]
