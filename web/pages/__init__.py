"""Owns the pages by which a person does it all by hand. They only read; every change goes by the API."""

from web.pages import control, control_live, control_reports, views

_PARTS_OF_CONTROL = (control_live, control_reports)  # whose routes are on the control room's blueprint
BLUEPRINTS = (views.blueprint, control.blueprint)

__all__ = ["BLUEPRINTS"]
