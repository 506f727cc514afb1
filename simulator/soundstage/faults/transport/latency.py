"""The answer comes late."""

from math import exp
from statistics import NormalDist
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from soundstage.core.call import Reply, Wire
from soundstage.core.faults import Place, Scene
from soundstage.faults import Fault

_LONGEST_MS: Final = 600_000
_BITS: Final = 48


class Latency(Fault):
    """The work is done at once and its answer leaves late, by milliseconds of real time whatever the clock says."""

    place: ClassVar[Place] = "exchange"

    distribution: Literal["fixed", "uniform", "lognormal"] = Field(
        default="fixed", description="always ms, anything from ms to to_ms, or lognormal around ms"
    )
    ms: int = Field(default=2000, ge=0, le=_LONGEST_MS, description="milliseconds; the least or the median of them")
    to_ms: int | None = Field(default=None, ge=0, le=_LONGEST_MS, description="uniform: the most; twice ms by default")
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

    def after(self, scene: Scene, reply: Reply) -> Reply:
        """Hold the reply back."""
        wire = reply.wire or Wire()
        return reply._replace(wire=wire._replace(delay_ms=wire.delay_ms + self._drawn(scene)))

    def _drawn(self, scene: Scene) -> int:
        if self.distribution == "fixed":
            return self.ms
        if self.distribution == "uniform":
            return scene.draw.between("latency", self.ms, 2 * self.ms if self.to_ms is None else self.to_ms)
        share = (scene.draw.bits("latency", _BITS) + 0.5) / 2**_BITS
        return min(_LONGEST_MS, round(self.ms * exp(self.sigma * NormalDist().inv_cdf(share))))
