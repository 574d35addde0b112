"""Owns the pages by which a person does it all by hand. They only read; every change goes by the API."""

from web.pages import (
    control,
    control_live,
    control_log,
    control_orders,
    control_products,
    control_sales,
    control_shoppers,
    control_tasks,
    views,
)

_PARTS_OF_CONTROL = (control_live,)  # modules whose routes are on the control room's blueprint
_ROOMS = (
    control_log.blueprint,
    control_orders.blueprint,
    control_products.blueprint,
    control_sales.blueprint,
    control_shoppers.blueprint,
    control_tasks.blueprint,
)
BLUEPRINTS = (views.blueprint, control.blueprint)

for room in _ROOMS:
    control.blueprint.register_blueprint(room)

__all__ = ["BLUEPRINTS"]
