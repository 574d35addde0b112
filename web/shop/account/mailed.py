"""The pages that links in mails lead to, and the form to ask for one. To look at them changes nothing."""

from typing import Final

from flask import Blueprint, render_template

from web.http.services import services

blueprint: Final = Blueprint("mailed", __name__)


@blueprint.get("/verify")
def verify() -> str:
    """A button that confirms the address, by what stands after `#`."""
    return render_template("mailed/verify.html")


@blueprint.get("/forgot")
def forgot() -> str:
    """The form by which a link to a new password is asked for."""
    return render_template("mailed/forgot.html", has_mail=services().settings.mail is not None)


@blueprint.get("/reset")
def reset() -> str:
    """The form that sets a new password, by what stands after `#`."""
    return render_template("mailed/reset.html")


@blueprint.get("/invitation")
def invitation() -> str:
    """What somebody is invited to, and the button to accept, by what stands after `#`."""
    return render_template("mailed/invitation.html")
