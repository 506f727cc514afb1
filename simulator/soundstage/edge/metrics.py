"""Counters for /metrics: plain dictionaries on the request path, rendered by prometheus-client when scraped."""

from collections import defaultdict
from collections.abc import Iterator

from soundstage.core.store import Store


class Counts:
    """What happened so far in this process."""

    __slots__ = ("attempts", "requests")

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self.attempts: dict[tuple[str, str], int] = defaultdict(int)

    def add(self, provider: str, operation: str, status: int) -> None:
        """Count one answered call."""
        self.requests[provider, operation, status] += 1


def exposition(counts: Counts, store: Store, events_run: int) -> tuple[bytes, str]:
    """Return the metrics page and its content type."""
    # 60 ms of import that only a scrape pays.
    from prometheus_client import CollectorRegistry  # noqa: PLC0415
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric  # noqa: PLC0415
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Snapshot(Collector):
        def collect(self) -> Iterator[Metric]:
            requests = CounterMetricFamily(
                "soundstage_requests", "Calls answered.", labels=["provider", "operation", "status"]
            )
            for (provider, operation, status), count in counts.requests.items():
                requests.add_metric([provider, operation, str(status)], count)
            yield requests
            attempts = CounterMetricFamily(
                "soundstage_callback_attempts", "Callback attempts answered.", labels=["provider", "result"]
            )
            for (provider, result), count in counts.attempts.items():
                attempts.add_metric([provider, result], count)
            yield attempts
            yield CounterMetricFamily("soundstage_events", "Engine events run.", value=events_run)
            open_ = sum(1 for _ in store.universes())
            yield GaugeMetricFamily("soundstage_universes", "Universes open now.", value=open_)

    registry = CollectorRegistry()
    registry.register(Snapshot())
    return generate_latest(registry), CONTENT_TYPE_LATEST
