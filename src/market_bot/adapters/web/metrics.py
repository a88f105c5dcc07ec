"""The bot's numbers in the text format of Prometheus, at an address of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from market_bot.core.ports.dashboard import Operator
from market_bot.core.ports.metrics import Metric, MetricKind

from .bearers import METRICS

SAMPLES_MAX: Final = 500
"""Of one metric; more are not told, so that nothing here can flood a monitoring system."""

_FAMILIES: Final[dict[MetricKind, type[Any]]] = {
    MetricKind.COUNTER: CounterMetricFamily,
    MetricKind.GAUGE: GaugeMetricFamily,
}


def metrics_route(bot: Operator) -> HTTPRouteHandler:
    """Return the route of the numbers."""

    @get(METRICS, sync_to_thread=True, media_type="text/plain", include_in_schema=False)
    def metrics() -> Response[bytes]:
        return Response(exposition(bot.metrics()), headers={"content-type": _TYPE})

    return metrics


_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


def exposition(metrics: Sequence[Metric]) -> bytes:
    """Return the numbers as text."""
    registry = CollectorRegistry()
    registry.register(_Told(metrics))
    return generate_latest(registry)


class _Told(Collector):
    """Hands a list of metrics to the library as it wants them."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Any]:
        for one in self._metrics:
            names = sorted({name for sample in one.samples for name in sample.labels})
            family = _FAMILIES[one.kind](one.name, one.text, labels=names)
            for sample in one.samples[:SAMPLES_MAX]:
                family.add_metric(
                    [sample.labels.get(name, "") for name in names], _number(sample.value)
                )
            yield family

    def describe(self) -> Iterator[Any]:
        """Describe nothing ahead; the names are not known before they are asked for."""
        return iter(())


def _number(value: int | str) -> float:
    return float(value)
