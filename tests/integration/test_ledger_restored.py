"""`flask ledger` lays every sale's live side again after a restore, and audits all of them."""

import json
from typing import Any

from flask import Flask

from models.enums import SaleStatus
from tests.support.shop import Shop


def told(app: Flask, command: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and what was said of each sale."""
    done = app.test_cli_runner().invoke(args=["ledger", command])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.exit_code, {line["sale_id"]: line for line in lines}


def test_every_sale_is_rebuilt_and_audited_after_redis_was_emptied(app: Flask, shop: Shop) -> None:
    running, over, past = (shop.open_sale(3) for _ in range(3))
    for sale in (running, over, past):
        sale.line_up(shop.shoppers(5))
        sale.drain()
    for sale in (over, past):
        sale.move(SaleStatus.ENDED)
        sale.drain()
    past.sql("UPDATE sales SET epoch = NULL WHERE id = :sale_id")  # as archived sales are
    shop.context.live.client.flushdb()
    code, audited = told(app, "audit-sales")
    assert code == 1
    assert {sale_id for sale_id, one in audited.items() if not one["ok"]} == {str(running.id), str(over.id)}
    assert audited[str(running.id)]["broken"]
    code, rebuilt = told(app, "rebuild-sales")
    assert (code, set(rebuilt)) == (0, {str(running.id), str(over.id)})
    code, audited = told(app, "audit-sales")
    assert (code, len(audited)) == (0, 3)
    assert running.look().fields["status"] == "open"
