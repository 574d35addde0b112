"""Owns `/admin/…` of the API: what the control room needs besides what everybody's routes give admins."""

from collections.abc import Sequence
from typing import Final

from web.api.admin import log, orders, overview, reports, sales, shoppers, tasks, workers
from web.http.openapi import Blueprint

BLUEPRINTS: Final[Sequence[Blueprint]] = (
    log.blueprint,
    orders.blueprint,
    overview.blueprint,
    reports.blueprint,
    sales.blueprint,
    shoppers.blueprint,
    tasks.blueprint,
    workers.blueprint,
)
