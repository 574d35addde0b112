"""What the roles of staff may do. The oracle asks every route as every role; here, both tables agree."""

from flask import Flask
from flask.testing import FlaskClient

from models.enums import Role, StaffRole
from tests.integration.conftest import Account, MakeAccount
from tests.integration.test_payments_http import Counter, counter, sale
from tests.oracle.routes import ID, routes_of
from web.staff.guard import permission_of
from web.staff.permissions import PERMISSIONS

__all__ = ["counter", "sale"]


def test_each_route_of_admins_names_a_permission_of_those_roles(app: Flask) -> None:
    for route in routes_of(app):
        named = permission_of(app.view_functions[route.endpoint])
        audience = route.audience
        assert (named is not None) == audience.of_staff, f"{route}: {named}"
        if named is not None:
            known = (set(named.roles), named.asks_again)
            assert known == (set(audience.roles), audience.asks_again), f"{route}: {named}"


def test_each_permission_is_asked_for_somewhere(app: Flask) -> None:
    named = {one.word for view in app.view_functions.values() if (one := permission_of(view))}
    of_others = {"intents.read", "orders.read", "tasks.read", "receipts.read"}
    assert named | of_others == set(PERMISSIONS)


def test_who_may_not_is_told_which_permission_is_missing(
    client: FlaskClient, make_account: MakeAccount
) -> None:
    operator = make_account(Role.ADMIN, StaffRole.OPERATOR)
    answer = client.post(f"/api/v1/orders/{ID}/refund", json={}, headers=operator.headers)
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["permission"]) == (403, "forbidden", "money.refund")
    assert "operator" in told["detail"]
    owner = make_account(Role.ADMIN)
    assert client.post(f"/api/v1/orders/{ID}/refund", json={}, headers=owner.headers).status_code == 404


PAGES = {  # what a page shows to whom: the words of a button or link
    "/admin": {"New sale": "operator owner", "/end": "operator owner", "/cancel": "owner"},
    "/admin/products": {"New product": "operator owner"},
    "order": {"/refund": "finance owner", "Refunds are for finance and owners.": "viewer operator"},
    "/admin/orders": {"orders.csv": "finance owner"},
    "shopper": {"/ban": "owner", "Bans are for owners.": "viewer operator finance"},
    "overview": {'data-verb="pause"': "operator owner", 'data-verb="cancel"': "owner"},
    "/admin/log": {"/admin/staff": "owner", "You are here as": "viewer operator finance"},
}


def test_pages_leave_out_what_a_role_may_not_do(
    client: FlaskClient, counter: Counter, make_account: MakeAccount, shopper: Account
) -> None:
    counter.ask()
    counter.work()
    order = counter.order()
    paths = {
        "order": f"/admin/orders/{order['id']}",
        "shopper": f"/admin/shoppers/{shopper.id}",
        "overview": f"/admin/sales/{order['sale_id']}",
    }
    for role in StaffRole:
        headers = make_account(Role.ADMIN, role).headers
        for page, words in PAGES.items():
            text = client.get(paths.get(page, page), headers=headers).text
            shown = {one for one in words if one in text}
            assert shown == {one for one, roles in words.items() if role in roles.split()}, (role, page)


def test_owners_see_the_staff_and_the_keys(client: FlaskClient, make_account: MakeAccount) -> None:
    owner, viewer = make_account(Role.ADMIN), make_account(Role.ADMIN, StaffRole.VIEWER)
    asked = {"name": "Nightly", "staff_role": "viewer"}
    key = client.post("/api/v1/admin/api-keys", json=asked, headers=owner.headers).get_json()
    invited = {"email": "ada@example.com", "staff_role": "finance"}
    client.post("/api/v1/admin/staff/invitations", json=invited, headers=owner.headers)
    staff = client.get("/admin/staff", headers=owner.headers).text
    assert all(one in staff for one in (owner.email, viewer.email, "ada@example.com"))
    keys = client.get("/admin/keys", headers=owner.headers).text
    assert key["beginning"] in keys
    assert key["key"] not in keys
    log = client.get("/admin/log", headers=viewer.headers).text
    assert "invited to the staff" in log
