"""Gauges of running sales, read when Prometheus scrapes, so that they are never stale."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from models.enums import SaleStatus
from models.errors import Unavailable
from tasks.context import Context
from tasks.sales.lifecycle import list_sales

MOST: Final = 100  # sales
GAUGES: Final = (
    ("available", "Units that are free"),
    ("held", "Units that are held and not paid"),
    ("sold", "Units that are paid"),
    ("waiting", "Shoppers in line"),
    ("standby", "Shoppers on standby"),
    ("open_holds", "Holds that are not paid"),
    ("audit_ok", "Whether the last audit found every invariant kept"),
)


class SalesCollector(Collector):
    """Looks at every open and paused sale."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        """Give a gauge for each figure, labelled by sale; nothing while a store is away."""
        families = {name: GaugeMetricFamily(f"sale_{name}", text, labels=["sale"]) for name, text in GAUGES}
        away = GaugeMetricFamily("sale_figures_readable", "Whether the figures of sales could be read")
        try:
            for status in (SaleStatus.OPEN, SaleStatus.PAUSED):
                for sale in list_sales(self._context, status=status, limit=MOST):
                    look = self._context.live.look(sale.id)
                    for name, family in families.items():
                        if name in look.fields:
                            family.add_metric([str(sale.id)], look.number(name))
            away.add_metric([], 1)
        except Unavailable:
            away.add_metric([], 0)
        yield away
        yield from families.values()


def sales_registry(context: Context) -> CollectorRegistry:
    """Make a registry that holds these gauges alone."""
    registry = CollectorRegistry()
    registry.register(SalesCollector(context))
    return registry
