"""The frame of the control room: admins only, its sections, and the words that all its pages use.

Its pages only read; all else is done by the API. Each section's routes are a module of their own.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from flask import Blueprint, request
from flask_babel import gettext as _

from web.control_room import log_words, words
from web.shop import list_query
from web.staff.guard import can, require_for_page, who_if_known

HOME: Final = "/admin"

blueprint: Final = Blueprint("control", __name__, url_prefix=HOME)


@blueprint.app_template_filter("pretty")
def pretty(told: Any) -> str:
    """Write what was told as JSON for people."""
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


@blueprint.before_request
def refuse_others() -> None:
    """Let nobody in but staff whose role has the permission that the page names."""
    require_for_page()


def sections() -> Sequence[tuple[str, str]]:
    """Name the control room's sections: the path of each, and its words."""
    found = (
        (HOME, _("Sales")),
        ("/admin/products", _("Products")),
        ("/admin/orders", _("Orders")),
        ("/admin/shoppers", _("Shoppers")),
        ("/admin/mails", _("Mails")),
        ("/admin/tasks", _("Tasks")),
        ("/admin/workers", _("Workers")),
        ("/admin/log", _("Log")),
    )
    of_owners = (("/admin/staff", _("Staff")), ("/admin/keys", _("Keys")))
    return (*found, *of_owners) if can("staff.read") else found


@blueprint.context_processor
def common() -> dict[str, Any]:
    """What every page of the control room knows: its sections, which of them this page is of, its words."""
    others = (path for path, _words in sections() if path != HOME and request.path.startswith(path))
    return {
        "sections": sections,
        "section": next(others, HOME),
        "address": list_query.address,
        "say_state": words.say_state,
        "choices": words.choices,
        "action_words": log_words.action_words,
        "details_of": log_words.details_of,
        "can": can,
        "staff_role": who.staff_role if (who := who_if_known()) else None,
    }
