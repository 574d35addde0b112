"""The staff: invited, given other roles, removed; and never without an owner."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models.enums import MailKind, Role, StaffRole
from models.errors import BadCredentials, LastOwner, LinkSpent
from models.tables.accounts import AccountLink, User
from models.tables.admin_log import AdminLogEntry
from tasks.accounts.log_ins import begin_log_in
from tasks.mail.links import Links
from tasks.mail.messages import words_of
from tasks.runtime.admin_log import COMMAND_LINE, Actor
from tasks.staff import members as staff
from tests.integration.conftest import PASSWORD, Account, MakeAccount, MakeApp
from tests.support.letterbox import Letterbox
from tests.support.problems import assert_problem
from web.http.services import Services

STAFF = "/api/v1/admin/staff"
INVITATIONS = f"{STAFF}/invitations"
JOINING = "/api/v1/auth/invitations"
ADA = "ada@example.com"

Invite = Callable[..., tuple[str, TestResponse]]


@pytest.fixture
def invite(client: FlaskClient, parts: Services, admin: Account) -> Invite:
    """Invites somebody; gives the token that was mailed, and the answer."""
    box = box_of(parts)

    def ask(email: str = ADA, staff_role: str = "finance") -> tuple[str, TestResponse]:
        asked = {"email": email, "staff_role": staff_role, "name": "Ada"}
        answer = client.post(INVITATIONS, json=asked, headers=admin.headers)
        assert answer.status_code == 201, answer.text
        return box.token_to(email, MailKind.INVITATION), answer

    return ask


def box_of(parts: Services) -> Letterbox:
    return Letterbox(parts.database, Links.of(parts.settings))


def role_of(parts: Services, email: str) -> str | None:
    with parts.database.transaction() as session:
        return session.scalar(select(User.staff_role).where(User.email == email))


def deeds(parts: Services) -> list[str]:
    with parts.database.transaction() as session:
        return list(session.scalars(select(AdminLogEntry.deed).order_by(AdminLogEntry.id)))


def test_who_is_invited_sets_a_password_and_is_staff_in_that_role(
    client: FlaskClient, parts: Services, invite: Invite
) -> None:
    token, invited = invite()
    assert invited.get_json()["url"] is None  # mailed, and told to nobody else
    found = client.post(f"{JOINING}/look", json={"token": token}).get_json()
    assert found == {"email": ADA, "name": "Ada", "staff_role": "finance", "has_password": False}
    assert role_of(parts, ADA) is None
    assert_problem(client.post(f"{JOINING}/accept", json={"token": token}), 401)
    for status in (200, 410):
        answer = client.post(f"{JOINING}/accept", json={"token": token, "password": PASSWORD})
        assert answer.status_code == status, answer.text
    tokens = client.post("/api/v1/auth/login", json={"email": ADA, "password": PASSWORD}).get_json()
    assert (tokens["user"]["role"], tokens["user"]["staff_role"]) == ("admin", "finance")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/api/v1/admin/orders.csv", headers=headers).status_code == 200
    assert_problem(client.get(STAFF, headers=headers), 403)
    assert deeds(parts) == ["invited", "joined"]


def test_an_account_joins_when_it_is_logged_in_and_no_other_can(
    client: FlaskClient, parts: Services, invite: Invite, shopper: Account, make_account: MakeAccount
) -> None:
    token, _ = invite(shopper.email, "operator")
    assert client.post(f"{JOINING}/look", json={"token": token}).get_json()["has_password"] is True
    accept = {"token": token}
    assert_problem(client.post(f"{JOINING}/accept", json=accept), 401)
    assert_problem(client.post(f"{JOINING}/accept", json={**accept, "password": "another one"}), 401)
    others = client.post(f"{JOINING}/accept", json=accept, headers=make_account().headers)
    assert_problem(others, 403, code="other_account")
    assert client.post(f"{JOINING}/accept", json=accept, headers=shopper.headers).status_code == 200
    assert role_of(parts, shopper.email) == "operator"
    assert_problem(client.get("/api/v1/me", headers=shopper.headers), 401)  # its token named no role


def test_an_invitation_that_is_withdrawn_replaced_or_old_is_good_for_nothing(
    client: FlaskClient, parts: Services, invite: Invite, admin: Account
) -> None:
    first, _ = invite()
    second, answer = invite()
    [listed] = client.get(INVITATIONS, headers=admin.headers).get_json()["items"]
    assert listed == answer.get_json()
    assert client.delete(f"{INVITATIONS}/{listed['id']}", headers=admin.headers).status_code == 204
    assert_problem(client.delete(f"{INVITATIONS}/{listed['id']}", headers=admin.headers), 404)
    third, _ = invite()
    with parts.database.transaction() as session:
        session.execute(update(AccountLink).values(expires_at=AccountLink.created_at - timedelta(1)))
    for token in (first, second, third, "none"):
        assert_problem(client.post(f"{JOINING}/look", json={"token": token}), 410)
        asked = {"token": token, "password": PASSWORD}
        assert_problem(client.post(f"{JOINING}/accept", json=asked), 410)
    assert client.get(INVITATIONS, headers=admin.headers).get_json()["items"] == []
    assert role_of(parts, ADA) is None


def test_an_invitation_used_by_many_at_once_is_used_once(parts: Services, invite: Invite) -> None:
    token, _ = invite()

    def join(_: int) -> bool:
        try:
            staff.accept(parts.context, token, password_hash="a hash")
        except LinkSpent:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(join, range(100))) == 1


def test_another_role_counts_at_once_and_ends_the_log_ins(
    client: FlaskClient, parts: Services, admin: Account, make_account: MakeAccount
) -> None:
    other = make_account(Role.ADMIN, StaffRole.VIEWER)
    path = f"{STAFF}/{other.id}"
    assert client.get("/api/v1/admin/log", headers=other.headers).status_code == 200
    changed = client.patch(path, json={"staff_role": "operator"}, headers=admin.headers)
    assert changed.status_code == 204
    assert_problem(client.get("/api/v1/admin/log", headers=other.headers), 401)
    assert_problem(client.post("/api/v1/auth/refresh", headers=other.refresh_headers), 401)
    assert role_of(parts, other.email) == "operator"
    [listed] = [
        one
        for one in client.get(STAFF, headers=admin.headers).get_json()["items"]
        if one["id"] == str(other.id)
    ]
    assert listed["staff_role"] == "operator"
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert_problem(client.delete(path, headers=admin.headers), 404)
    assert role_of(parts, other.email) is None
    assert deeds(parts) == ["role_changed", "removed"]
    assert_problem(
        client.patch(f"{STAFF}/{uuid.uuid4()}", json={"staff_role": "owner"}, headers=admin.headers), 404
    )


def test_who_gets_another_role_or_is_removed_is_told_in_their_language(
    client: FlaskClient, parts: Services, admin: Account, make_account: MakeAccount
) -> None:
    other = make_account(Role.ADMIN, StaffRole.VIEWER)
    with parts.database.transaction() as session:
        session.execute(update(User).where(User.id == other.id).values(language="de"))
    path = f"{STAFF}/{other.id}"
    for _ in range(2):  # the second changes nothing
        client.patch(path, json={"staff_role": "finance"}, headers=admin.headers)
    client.delete(path, headers=admin.headers)
    letters = [words_of(mail, mail.contents) for mail in box_of(parts).mails_to(other.email)]
    assert [letter.subject for letter in letters] == [
        "Deine Rolle im Team wurde geändert",
        "Du gehörst nicht mehr zum Team",
    ]
    assert "In der Buchhaltung" in letters[0].text


def test_keys_and_open_invitations_end_with_who_made_them(
    client: FlaskClient, parts: Services, admin: Account, make_account: MakeAccount
) -> None:
    leaver = make_account(Role.ADMIN)
    keys = {}
    for one in (leaver, admin):
        asked = {"name": "Report", "staff_role": "viewer"}
        made = client.post("/api/v1/admin/api-keys", json=asked, headers=one.headers).get_json()
        keys[one] = {"Authorization": f"Bearer {made['key']}"}
        email = f"by-{one.id}@example.com"
        client.post(INVITATIONS, json={"email": email, "staff_role": "viewer"}, headers=one.headers)
    assert client.delete(f"{STAFF}/{leaver.id}", headers=admin.headers).status_code == 204
    open_ones = client.get(INVITATIONS, headers=admin.headers).get_json()["items"]
    assert [one["email"] for one in open_ones] == [f"by-{admin.id}@example.com"]
    codes = [client.get("/api/v1/admin/log", headers=keys[one]).status_code for one in (leaver, admin)]
    assert codes == [401, 200]
    assert deeds(parts)[4:] == ["removed", "revoked", "uninvited"]


def test_a_log_in_that_is_under_way_names_the_role_of_its_end(
    parts: Services, make_account: MakeAccount, admin: Account
) -> None:
    other = make_account(Role.ADMIN)
    with parts.database.transaction() as session:
        seen = session.get_one(User, other.id)
    staff.change_role(parts.context, other.id, StaffRole.VIEWER, by=Actor(admin.id))

    def go_on() -> User:
        return begin_log_in(
            parts.context, seen, uuid.uuid4(), uuid.uuid4(), stored_hash="checked", renewed_hash=None
        )

    assert go_on().staff_role == StaffRole.VIEWER
    staff.make_admin(parts.context, other.id, password_hash="another", staff_role=StaffRole.OWNER)
    with pytest.raises(BadCredentials):
        go_on()
    assert deeds(parts) == ["role_changed", "role_changed"]  # from the command line too


def test_the_last_owner_stays_one(client: FlaskClient, admin: Account) -> None:
    path = f"{STAFF}/{admin.id}"
    for answer in (
        client.patch(path, json={"staff_role": "viewer"}, headers=admin.headers),
        client.delete(path, headers=admin.headers),
    ):
        assert_problem(answer, 409, code="last_owner")
    assert client.patch(path, json={"staff_role": "owner"}, headers=admin.headers).status_code == 204
    assert client.get(STAFF, headers=admin.headers).status_code == 200  # nothing was changed: still logged in


def test_owners_who_remove_each_other_at_once_leave_one(parts: Services, make_account: MakeAccount) -> None:
    owners = [make_account(Role.ADMIN) for _ in range(6)]

    def leave(one: Account) -> bool:
        try:
            staff.remove(parts.context, one.id, by=COMMAND_LINE)
        except LastOwner:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(leave, owners)) == [False] + [True] * 5


def test_without_mail_the_owner_is_told_the_link(make_app: MakeApp, admin: Account) -> None:
    asked = {"email": ADA, "staff_role": "viewer"}
    answer = make_app(mail=None).test_client().post(INVITATIONS, json=asked, headers=admin.headers)
    assert "/invitation#" in answer.get_json()["url"]


def test_staff_cannot_be_invited_again(client: FlaskClient, admin: Account) -> None:
    asked = {"email": admin.email, "staff_role": "viewer"}
    answer = client.post(INVITATIONS, json=asked, headers=admin.headers)
    assert_problem(answer, 409, code="already_staff")


def test_the_command_line_lists_and_changes_the_staff(
    app: Flask, parts: Services, admin: Account, make_account: MakeAccount
) -> None:
    other = make_account(Role.ADMIN, StaffRole.FINANCE)
    run = app.test_cli_runner().invoke

    def said(*words: str, code: int = 0) -> str:
        done = run(args=["users", *words])
        assert done.exit_code == code, done.output
        return str(done.output)

    assert said("list-staff").split() == ["owner", admin.email, "finance", other.email]
    said("set-role", "--email", other.email, "--role", "viewer")
    assert role_of(parts, other.email) == "viewer"
    assert "owner" in said("set-role", "--email", admin.email, "--role", "viewer", code=1)
    said("remove-staff", "--email", other.email)
    assert role_of(parts, other.email) is None
    assert "No account" in said("remove-staff", "--email", "nobody@example.com", code=1)
    assert deeds(parts) == ["role_changed", "removed"]
