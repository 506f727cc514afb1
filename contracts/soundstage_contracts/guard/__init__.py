"""A proxy between the suite and a target that costs money: what cannot be priced or paid for never goes out."""

from soundstage_contracts.guard.ledger import Denied
from soundstage_contracts.guard.proxy import Guard

__all__ = ["Denied", "Guard"]
