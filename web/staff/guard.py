"""Lets staff do what their role may. Each admin route and page names its permission here, or is refused."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from flask import current_app, request

from models.errors import SecondFactorMissing
from tasks.accounts.confirming import has_shown_factor, require_confirmed
from tasks.context import Context
from web.auth import security_log
from web.auth.identity import current_identity, document, refuse_key
from web.auth.tokens import Identity
from web.http.errors import Problem
from web.http.services import services
from web.staff.permissions import PERMISSIONS, Permission, is_allowed

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REQUIRED: Final = "required"  # of STAFF_SECOND_FACTOR
_NAMED: Final = "permission"  # the attribute of a view
_ROUTE: Final = "This is for the shop's staff."
_PAGE: Final = "This page is for the shop's admins."

P = ParamSpec("P")
R = TypeVar("R")
View = TypeVar("View", bound=Callable[..., Any])


class Missing(Problem):
    """Who asks may not do this; `permission` says what they lack."""

    def __init__(self, permission: Permission, staff_role: str | None, detail: str = _ROUTE) -> None:
        if staff_role is not None:
            detail = f"The role {staff_role} may not do this: it takes {permission.word}."
        super().__init__(403, "forbidden", detail, permission=permission.word)


def may(word: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only those through whose role has this permission, within the API's limit for an account or key."""
    permission = PERMISSIONS[word]

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            identity = current_identity()
            require(identity, permission)
            services().limits.api.hit(identity.user_id)
            if request.method in _SAFE_METHODS:
                return view(*args, **kwargs)
            try:
                return view(*args, **kwargs)
            finally:
                services().reads.forget()  # other processes hear it; who changed something sees it at once

        return needs(word)(document(guarded, **{"x-permission": word}))

    return decorate


def own_or(word: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let everybody to their own, and those who have the permission to others' (see `whose`)."""
    permission = PERMISSIONS[word]

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            identity = current_identity()
            if identity.is_key:  # a key has nothing of its own
                require(identity, permission)
            services().limits.api.hit(identity.user_id)
            return view(*args, **kwargs)

        return document(guarded)

    return decorate


def needs(word: str) -> Callable[[View], View]:
    """Name the permission that a page takes; the control room's frame asks for it."""
    permission = PERMISSIONS[word]

    def name(view: View) -> View:
        view.__dict__[_NAMED] = permission
        return view

    return name


def permission_of(view: Callable[..., Any]) -> Permission | None:
    """Return the permission that a view names; None if it names none."""
    return getattr(view, _NAMED, None)


def require(identity: Identity, permission: Permission, detail: str = _ROUTE) -> None:
    """Let only somebody go on whose role has the permission.

    Raises:
        Forbidden: it is nobody's who asks, which is logged.
        SecondFactorMissing: staff's log-ins have to show one, and this one has not.
        ConfirmationRequired: the permission asks again for the password or a code.
    """
    if not _has(identity, permission):
        security_log.admin_denied(identity.user_id, permission.word, identity.staff_role)
        raise Missing(permission, identity.staff_role, detail)
    if not identity.is_key:
        _require_shown(identity, permission)


def require_for_page() -> None:
    """Let only those see the page that is asked for whose role has its permission; no key is a person.

    Raises:
        Unauthenticated, Forbidden: it is somebody else.
    """
    identity = current_identity()
    refuse_key(identity)
    permission = permission_of(current_app.view_functions[request.endpoint or ""])
    if permission is None:
        raise LookupError(f"{request.endpoint} names no permission")
    require(identity, permission, _PAGE)


def can(word: str) -> bool:
    """Whether the role of who asks has a permission: pages hide what it may not do. Nobody has any."""
    return (who := who_if_known()) is not None and _has(who, PERMISSIONS[word])


def who_if_known() -> Identity | None:
    """Who asks; None while a page tells why it is refused to nobody or to a bad token."""
    try:
        return current_identity()
    except Problem:
        return None


def whose(word: str) -> uuid.UUID | None:
    """Name the shopper whose things the one who asks may see; None: anybody's, by the permission."""
    return seen_by(services().context, current_identity(), word)


def lacks_second_factor(identity: Identity) -> bool:
    """Whether it is staff who have to show a second factor and have not: they may do nothing but that."""
    return identity.is_admin and not _has_shown_factor(services().context, identity)


def seen_by(context: Context, identity: Identity, word: str) -> uuid.UUID | None:
    """Do what `whose` does, for somebody who is known; also where there is no Flask."""
    is_staff = identity.is_admin and _has(identity, PERMISSIONS[word])
    return None if is_staff and _has_shown_factor(context, identity) else identity.user_id


def _has(identity: Identity, permission: Permission) -> bool:
    is_right_kind = permission.is_for_keys or not identity.is_key
    return is_right_kind and is_allowed(identity.staff_role, permission.word)


def _require_shown(identity: Identity, permission: Permission) -> None:
    """Read in the ledger what a log-in has shown, which changes while its access token goes on."""
    context = services().context
    if not _has_shown_factor(context, identity):
        raise SecondFactorMissing("Staff need a second factor here.")
    if permission.asks_again:
        require_confirmed(context, identity.family)


def _has_shown_factor(context: Context, identity: Identity) -> bool:
    is_asked = context.settings.staff_second_factor == REQUIRED and not identity.is_key
    return not is_asked or has_shown_factor(context, identity.family)
