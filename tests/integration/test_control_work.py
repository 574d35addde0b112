"""The control room's tasks and log: what the workers did, and what the admins did."""

from uuid import UUID

from flask.testing import FlaskClient

from tasks.background import queue
from tests.integration.conftest import Account, MakeAccount
from tests.integration.control_pages import every_page, in_german, rows, text_of
from tests.integration.test_pages_shown import read, sign_in
from tests.support.shop import Shop


def failed_task(shop: Shop) -> UUID:
    """A task that was tried as often as tasks are, in vain."""
    task = queue.ask_for(shop.context, "audit", sale_id=None)
    for _ in range(queue.MOST_ATTEMPTS):
        queue.run(shop.context, task.id)
    return task.id


def test_tasks_are_filtered_by_kind_state_and_sale_and_paged(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale, other = shop.open_sale(1), shop.open_sale(1)
    sale.line_up(shop.shoppers(2))
    failed_task(shop)
    sign_in(client, admin)
    assert len(rows(read(client, f"/admin/tasks?kind=intent&sale_id={sale.id}"))) == 2
    sale.drain()
    [row] = rows(read(client, "/admin/tasks?state=FAILURE"))
    assert "Audit Failed" in row
    assert "NoSuchSale" in row
    assert len(rows(read(client, "/admin/tasks?kind=intent"))) == 2
    assert rows(read(client, f"/admin/tasks?sale_id={other.id}")) == []
    assert len(every_page(client, "/admin/tasks?limit=1")) == 3


def test_a_finished_task_tells_its_result_and_rests(client: FlaskClient, shop: Shop, admin: Account) -> None:
    sale = shop.open_sale(1)
    task = queue.ask_for(shop.context, "audit", sale_id=sale.id)
    sign_in(client, admin)
    waiting = read(client, f"/admin/tasks/{task.id}")
    assert f'data-moving="/api/v1/tasks/{task.id}"' in waiting
    assert 'data-field="state attempts" data-seen="PENDING 0"' in waiting
    queue.run(shop.context, task.id)
    done = read(client, f"/admin/tasks/{task.id}")
    assert "data-moving" not in done
    assert "data-action" not in done
    assert "conservation" in done


def test_a_failed_task_tells_its_error_and_can_be_tried_again(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    task_id = failed_task(shop)
    sign_in(client, admin)
    page = read(client, f"/admin/tasks/{task_id}")
    assert "NoSuchSale" in page
    assert f'data-action="POST /api/v1/tasks/{task_id}/retry"' in page
    assert client.post(f"/api/v1/tasks/{task_id}/retry", headers=admin.headers).status_code == 202
    again = read(client, f"/admin/tasks/{task_id}")
    assert "data-action" not in again
    assert any(f"{admin.email} tried again" in row for row in rows(again))


def test_an_intent_is_a_task_whose_page_leads_to_its_shopper(
    client: FlaskClient, shop: Shop, admin: Account, shopper: Account
) -> None:
    sale = shop.open_sale(1)
    intent = sale.submit(shopper.id)
    sign_in(client, admin)
    page = read(client, f"/admin/tasks/{intent['id']}")
    assert f'href="/admin/shoppers/{shopper.id}"' in page
    assert f'href="/admin/sales/{sale.id}"' in page


def test_the_log_says_in_words_who_changed_what_from_what_to_what(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale(5)
    body = {
        "price": {"amount_minor": 999, "currency": "USD"},
        "allocation": 10_000,
        "admission": {"rate_per_second": 3},
        "closes_at": "2030-01-01T10:00:00Z",
    }
    assert client.patch(f"/api/v1/sales/{sale.id}", json=body, headers=admin.headers).status_code == 200
    sign_in(client, admin)
    page = read(client, "/admin/log")
    [row] = rows(page)
    assert f"{admin.email} Sale Kettle changed" in row
    for told in (
        "Price $19.99 → is now $9.99",
        "Units 5 → is now 10,000",
        "Decisions a second nothing → is now 3",
        "is now Jan 1, 2030, 10:00 AM UTC",
    ):
        assert told.replace("\N{NARROW NO-BREAK SPACE}", " ") in row.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert f'href="/admin/sales/{sale.id}"' in page
    german = text_of(in_german(client, "/admin/log"))
    assert "Preis 19,99\N{NO-BREAK SPACE}$".replace("\N{NO-BREAK SPACE}", " ") in german.replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_the_log_leads_to_the_subject_while_it_has_a_page(
    client: FlaskClient, admin: Account, make_account: MakeAccount
) -> None:
    shopper = make_account()
    body = {"name": "Lamp", "list_price": {"amount_minor": 500, "currency": "USD"}}
    product = client.post("/api/v1/products", json=body, headers=admin.headers).get_json()["id"]
    client.post(f"/api/v1/admin/shoppers/{shopper.id}/ban", json={"reason": "bots"}, headers=admin.headers)
    sign_in(client, admin)
    page = read(client, "/admin/log")
    assert f'<a href="/admin/products/{product}/edit">Lamp</a>' in page
    assert f'<a href="/admin/shoppers/{shopper.id}">{shopper.email}</a>' in page.replace("<wbr>", "")
    client.delete(f"/api/v1/products/{product}", headers=admin.headers)
    page = read(client, "/admin/log")
    assert f"/admin/products/{product}" not in page
    assert "Product Lamp deleted" in text_of(page)


def test_the_log_is_filtered_by_who_what_and_action_and_paged(
    client: FlaskClient, shop: Shop, admin: Account, make_account: MakeAccount
) -> None:
    other, sale = make_account("admin"), shop.scheduled_sale()
    for verb, who in (("open", admin), ("pause", other), ("resume", admin)):
        client.post(f"/api/v1/sales/{sale.id}/{verb}", headers=who.headers)
    client.post("/api/v1/products", json={"name": "x"}, headers=admin.headers)
    sign_in(client, admin)
    assert len(rows(read(client, f"/admin/log?actor_id={other.id}"))) == 1
    assert "opened" in rows(read(client, "/admin/log?deed=opened"))[0]
    assert rows(read(client, "/admin/log?subject_kind=product")) == []
    assert len(rows(read(client, f"/admin/log?subject_id={sale.id}&deed="))) == 3
    assert len(every_page(client, f"/admin/log?limit=1&subject_id={sale.id}")) == 3
    assert f'<option value="{other.id}" selected>' in read(client, f"/admin/log?actor_id={other.id}")


def test_an_action_of_the_command_line_is_shown_as_such(
    client: FlaskClient, shop: Shop, admin: Account
) -> None:
    sale = shop.open_sale()
    runner = client.application.test_cli_runner()
    assert runner.invoke(args=["sales", "rebuild", str(sale.id)]).exit_code == 0
    sign_in(client, admin)
    [row] = rows(read(client, "/admin/log"))
    assert "command line Sale Kettle rebuilt Undecided intents lost 0" in row
