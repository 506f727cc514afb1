"""RevidAPI's limits: how many jobs of an account run at once and wait, and GET /limits, which shows it.

Source: R-REV-200..207. A key's own limits go before its plan's; keys of one user share their slots.
"""

from functools import lru_cache
from typing import Final

from soundstage.core.call import Call, Reply
from soundstage.core.limits import REQUESTS_PER_MINUTE
from soundstage.core.slots import SlotLimits, slots_of
from soundstage.core.universe import Key
from soundstage.core.view import Tx
from soundstage.providers.revidapi.catalogue import plans

TOTAL, IMAGE, VIDEO, QUEUE = "total_concurrent", "image_concurrent", "video_concurrent", "queue"
LIMITS: Final = frozenset({REQUESTS_PER_MINUTE, TOTAL, IMAGE, VIDEO, QUEUE})


def plan_of(key: Key) -> str:
    """Return the name of a key's plan."""
    return key.plan or "default"


def slot_limits(key: Key) -> SlotLimits:
    """Return how many jobs of a key's account may run and wait."""
    return _slot_limits(plan_of(key), key.limits or ())


@lru_cache(maxsize=1024)
def _slot_limits(plan_id: str, own: tuple[tuple[str, int], ...]) -> SlotLimits:
    plan, limits = plans()[plan_id], dict(own)
    return SlotLimits(
        total=limits.get(TOTAL, plan.total_concurrent),
        kinds=(
            ("image", limits.get(IMAGE, plan.image_concurrent)),
            ("video", limits.get(VIDEO, plan.video_concurrent)),
        ),
        queue=limits.get(QUEUE, plan.queue),
    )


def limits(call: Call, tx: Tx) -> Reply:
    """GET /limits: the caller's limits, what is taken of them now, and what is left."""
    allowed = slot_limits(call.key)
    slots = slots_of(tx, call.key.account)
    queued = len(slots.waiting)
    free = allowed.total - slots.held()
    return Reply(
        {
            "limits": {
                TOTAL: allowed.total,
                IMAGE: allowed.of("image"),
                VIDEO: allowed.of("video"),
                QUEUE: allowed.queue,
            },
            "active": {
                "total": slots.held(),
                "image": slots.held("image"),
                "video": slots.held("video"),
                "queued": queued,
            },
            "available": {
                "image_slots": max(0, min(free, allowed.of("image") - slots.held("image"))),
                "video_slots": max(0, min(free, allowed.of("video") - slots.held("video"))),
                "queue_slots": max(0, allowed.queue - queued),
            },
            "plan": plan_of(call.key),
        }
    )
