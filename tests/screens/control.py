"""Scenes of the control room: each of its pages, with a sale in which everything happened."""

import uuid
from collections.abc import Callable, Sequence
from typing import Final

from playwright.sync_api import Page, expect

from tests.screens.actors import Message
from tests.screens.scene import Scene
from tests.screens.stage import Stage

UNITS: Final = 5
NAME: Final = "Field notebook, dotted, in a very long edition that hardly fits"

Path = Callable[[Message, Message], str]  # of a sale and of an order in it


def _lived(stage: Stage) -> tuple[Message, Message]:
    """A sale in which some paid, some hold, some wait and one was refunded; and the order of that one."""
    sale = stage.sale(NAME, units=UNITS, hold_seconds=3600)
    people = stage.others(UNITS + 3)
    orders = [person.hold(sale) for person in people[:UNITS]]
    people[0].pay(orders[0])
    refunded = people[1].pay(orders[1])
    stage.admin.post(f"/api/v1/orders/{refunded['id']}/refund", {"reason": "Broken in transport"})
    people[1].wait_for_order(refunded, "refunded")
    for person in people[UNITS:]:
        person.wait_for(person.line_up(sale), "standby", "held")
    stage.move(sale, "pause")
    stage.move(sale, "resume")
    stage.await_audit(sale)
    return sale, refunded


def _go(stage: Stage, path: str) -> Page:
    """Go to a page of the control room, which must be there."""
    page = stage.inside().page
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok, f"{path} is a {answer.status}"
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def _room(name: str, path: str | Path, *, is_main: bool = False) -> Scene:
    def play(stage: Stage) -> Page:
        sale, order = stage.once(_lived)
        return _go(stage, path if isinstance(path, str) else path(sale, order))

    return Scene(f"admin-{name}", play, is_main)


def _coming(stage: Stage) -> Page:
    return _go(stage, f"/admin/sales/{stage.sale('Lantern', opens_in_s=7200)['id']}")


def _past(stage: Stage) -> Page:
    sale = stage.sale("Umbrella", units=10_000_000, price=12_345_678_900, list_price=99_999_999_900)
    stage.move(sale, "end")
    return _go(stage, f"/admin/sales/{sale['id']}")


def _confirmation(stage: Stage) -> Page:
    page = _go(stage, f"/admin/sales/{stage.once(_lived)[0]['id']}")
    page.get_by_role("button", name="Pause").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def _comparison(stage: Stage) -> Page:
    other = stage.sale("Lantern, second edition", units=3)
    stage.others(1)[0].hold(other)
    return _go(stage, f"/admin/compare?a={stage.once(_lived)[0]['id']}&b={other['id']}")


def _shopper(stage: Stage) -> Page:
    number = stage.once(_lived)[1]["id"][-8:]
    found = stage.admin.get(f"/api/v1/admin/orders?query={number}")["items"][0]
    return _go(stage, f"/admin/shoppers/{found['shopper']['id']}")


def _task(stage: Stage) -> Page:
    task = stage.admin.post(f"/api/v1/sales/{stage.once(_lived)[0]['id']}/report")
    return _go(stage, f"/admin/tasks/{task['task_id']}")


def _mail(stage: Stage) -> Page:
    return _go(stage, f"/admin/mails/{invitation_mail(stage)['id']}")


def _staff(stage: Stage) -> Page:
    invitation_mail(stage)
    return _go(stage, "/admin/staff")


def invitation_mail(stage: Stage) -> Message:
    """Invite somebody to the staff; returns the mail with the link, which is kept: no server sends it."""
    email = f"charles.babbage.{uuid.uuid4().hex[:8]}@analytical-engines.example"
    stage.admin.post("/api/v1/admin/staff/invitations", {"email": email, "staff_role": "operator"})
    [mail] = stage.admin.get(f"/api/v1/admin/mails?address={email}")["items"]
    return stage.admin.read_mail(mail)


def _keys(stage: Stage) -> Page:
    stage.admin.post("/api/v1/admin/api-keys", {"name": "Warehouse of returns", "staff_role": "finance"})
    page = _go(stage, "/admin/keys")
    page.get_by_label("Name").fill("Wall display")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("Copy the key now")).to_be_visible()
    return page


SCENES: Final[Sequence[Scene]] = (
    _room("sales", "/admin"),
    _room("sale", lambda sale, _: f"/admin/sales/{sale['id']}", is_main=True),
    Scene("admin-sale-coming", _coming),
    Scene("admin-sale-past", _past),
    Scene("admin-confirmation", _confirmation),
    _room("sale-new", "/admin/sales/new"),
    _room("sale-edit", lambda sale, _: f"/admin/sales/{sale['id']}/edit"),
    _room("sale-clone", lambda sale, _: f"/admin/sales/{sale['id']}/clone"),
    _room("report", lambda sale, _: f"/admin/sales/{sale['id']}/report", is_main=True),
    Scene("admin-compare", _comparison),
    _room("products", "/admin/products"),
    _room("product-new", "/admin/products/new"),
    _room("product-edit", lambda sale, _: f"/admin/products/{sale['product']['id']}/edit"),
    _room("orders", "/admin/orders"),
    _room("orders-none", "/admin/orders?query=nobody-is-called-that"),
    _room("order", lambda _, order: f"/admin/orders/{order['id']}"),
    _room("shoppers", "/admin/shoppers"),
    Scene("admin-staff", _staff),
    Scene("admin-keys", _keys),
    Scene("admin-shopper", _shopper),
    _room("mails", "/admin/mails"),
    Scene("admin-mail", _mail),
    _room("tasks", "/admin/tasks"),
    Scene("admin-task", _task),
    _room("workers", "/admin/workers"),
    _room("log", "/admin/log"),
)
