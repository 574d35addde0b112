"""Owns the pages by which a person does it all by hand. They only read; every change goes by the API."""

from web.pages import control, control_reports, views

BLUEPRINTS = (views.blueprint, control.blueprint)

__all__ = ["BLUEPRINTS", "control_reports"]
