"""Routes of the pages that update live: the overview of a sale, and the workers."""

import uuid

from flask import render_template

from tasks.background.workforce import show_workforce
from web.control_room.frame import blueprint
from web.http.services import services
from web.staff.guard import needs


@blueprint.get("/sales/<uuid:sale_id>")
@needs("sales.read")
def sale_overview(sale_id: uuid.UUID) -> str:
    """A sale's live overview, with the buttons that change it."""
    return render_template("admin/overview.html", overview=services().overviews.of(sale_id))


@blueprint.get("/workers")
@needs("workers.read")
def workers() -> str:
    """The workers and their queues."""
    return render_template("admin/workers.html", workforce=show_workforce(services().context))
