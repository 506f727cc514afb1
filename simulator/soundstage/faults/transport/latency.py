"""The answer comes late."""

from math import exp
from statistics import NormalDist
from typing import Literal, Self

from pydantic import Field, model_validator

from soundstage.core.call import Reply
from soundstage.core.faults import CallScene
from soundstage.faults import ExchangeFault
from soundstage.faults.spans import LONGEST_REAL_MS, RealMilliseconds


class Latency(ExchangeFault):
    """The work is done at once and its answer leaves late, by milliseconds of real time whatever the clock says."""

    distribution: Literal["fixed", "uniform", "lognormal"] = Field(
        default="fixed", description="always ms, anything from ms to to_ms, or lognormal around ms"
    )
    ms: RealMilliseconds = Field(default=2000, description="milliseconds; the least or the median of them")
    to_ms: RealMilliseconds | None = Field(default=None, description="uniform: the most; twice ms by default")
    sigma: float = Field(
        default=0.5,
        gt=0,
        le=3,
        description="lognormal: how far it spreads; at 0.5, two in three are within 1.7 times ms",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.to_ms is not None and self.to_ms < self.ms:
            raise ValueError(f"to_ms must be at least ms, which is {self.ms}")
        return self

    def after(self, scene: CallScene, reply: Reply) -> Reply:
        """Hold the reply back."""
        so_far = 0 if reply.wire is None else reply.wire.delay_ms
        return reply.leaving(delay_ms=so_far + self._drawn(scene))

    def _drawn(self, scene: CallScene) -> int:
        if self.distribution == "fixed":
            return self.ms
        if self.distribution == "uniform":
            return scene.draw.between("latency", self.ms, 2 * self.ms if self.to_ms is None else self.to_ms)
        spread = NormalDist().inv_cdf(scene.draw.share("latency"))
        return min(LONGEST_REAL_MS, round(self.ms * exp(self.sigma * spread)))
