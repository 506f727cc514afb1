"""A price has changed since it was quoted."""

from pydantic import Field

from soundstage.faults.money._prices import OtherCharge


class PriceChange(OtherCharge):
    """The create charges another price than quotes and price lists show, and its reply shows what is charged."""

    factor: float = Field(
        default=1.5, gt=0, le=1000, allow_inf_nan=False, description="the new price as a multiple of the old one"
    )
