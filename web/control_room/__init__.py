"""The admins' pages, under `/admin`. They only read; every change goes through the API."""

from web.control_room import frame, live, log, mails, orders, products, sales, shoppers, staff, tasks
from web.control_room.reports import pages as reports

_PARTS = (live, reports)  # their routes are on the blueprint of `frame`

for room in (log, mails, orders, products, sales, shoppers, staff, tasks):
    frame.blueprint.register_blueprint(room.blueprint)

blueprint = frame.blueprint

__all__ = ["blueprint"]
