"""The admins' pages, under `/admin`. They only read; every change goes through the API."""

from web.control_room import live, log, mails, orders, pages, products, sales, shoppers, staff, tasks
from web.control_room.reports import pages as reports

_PARTS = (live, reports)  # their routes are on the blueprint of `pages`

for room in (log, mails, orders, products, sales, shoppers, staff, tasks):
    pages.blueprint.register_blueprint(room.blueprint)

blueprint = pages.blueprint

__all__ = ["blueprint"]
