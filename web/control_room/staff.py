"""The owners' pages of the staff and of programs' keys."""

from typing import Final

from flask import Blueprint, render_template

from web.api.admin.api_keys import read_keys
from web.api.admin.staff import read_invitations, read_staff
from web.api.schemas.paging import PageQuery
from web.shop.list_query import asked_by
from web.staff.guard import needs

blueprint: Final = Blueprint("staff", __name__)

_QUERY: Final = PageQuery()


@blueprint.get("/staff")
@needs("staff.read")
def members() -> str:
    """Who is of the staff, who is invited, and the form to invite somebody by."""
    return render_template("admin/staff.html", staff=read_staff(), invitations=read_invitations())


@blueprint.get("/keys")
@needs("keys.read")
def keys() -> str:
    """Programs' keys, and the form to make one by."""
    asked = asked_by(_QUERY)
    return render_template("admin/keys.html", found=read_keys(asked), asked=asked)
