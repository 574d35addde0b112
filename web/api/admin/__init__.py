"""The routes under `/api/v1/admin`: what the control room needs besides the routes that everybody has."""

from collections.abc import Sequence
from typing import Final

from web.api.admin import (
    api_keys,
    log,
    mails,
    orders,
    overview,
    reports,
    sales,
    shoppers,
    staff,
    tasks,
    workers,
)
from web.http.openapi import Blueprint

BLUEPRINTS: Final[Sequence[Blueprint]] = (
    api_keys.blueprint,
    log.blueprint,
    mails.blueprint,
    orders.blueprint,
    overview.blueprint,
    reports.blueprint,
    sales.blueprint,
    shoppers.blueprint,
    staff.blueprint,
    tasks.blueprint,
    workers.blueprint,
)
