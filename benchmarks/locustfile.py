"""Shoppers for Locust: they browse, stand in the lobby, press, wait, pay, leave. `make locust` shows its UI.

    locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000 --headless -u 50 -r 10 -t 60s

Each simulated user is one shopper after another. Who they are comes from a file of tokens (`flask users
crowd`); without one, each registers. What is waited for (verdict, receipt) is an entry of type WAIT.
"""

import itertools
import json
import random
import ssl
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import websocket
from locust import FastHttpUser, between, events, task
from locust.exception import StopUser

API: Final = "/api/v1"
FINAL: Final = frozenset({"held", "sold_out", "rejected", "left"})
VERDICT_S: Final = 60.0  # after which who still waits or stands by leaves
PAID_S: Final = 60.0
POLL_S: Final = 0.5
OVER: Final = frozenset({"limit_reached", "sale_over", "not_open"})  # refusals that are as they should be

_people: "itertools.chain[str]" = itertools.chain()


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--sale", default="", help="a sale's id; else the newest that is open or to come")
    parser.add_argument(
        "--tokens", default="", help="a file of `flask users crowd`: user's id and token a line"
    )
    parser.add_argument("--browsing", type=float, default=0.75, help="the share that only looks around")
    parser.add_argument("--leaving", type=float, default=0.1, help="the share that gives up its place")
    parser.add_argument("--thinking", type=float, default=1.0, help="mean seconds before the payment")


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _read_tokens(environment: Any, **_: Any) -> None:
    """Read who may come. Several processes may meet the same person, who is in line already then."""
    path = environment.parsed_options.tokens
    if not path:
        return
    with open(path) as file:
        tokens = [line.split()[1] for line in file if line.strip()]
    random.shuffle(tokens)
    globals()["_people"] = itertools.chain(tokens)


class Shopper(FastHttpUser):
    """One shopper after another, with a while in between."""

    host = "http://127.0.0.1:8000"
    wait_time = between(0.5, 2.0)

    def on_start(self) -> None:
        """Find the sale."""
        self.options = self.environment.parsed_options
        self.sale_id = self.options.sale or self._newest_sale()

    @task
    def visit(self) -> None:
        """Look around, and perhaps buy."""
        self._look_around()
        if random.random() >= self.options.browsing:
            self._buy()

    def _look_around(self) -> None:
        """Read what everybody reads."""
        self.client.get("/", name="page: shop")
        self.client.get(f"/sales/{self.sale_id}", name="page: sale")
        self.client.get(f"{API}/sales", name="sales")

    def _buy(self) -> None:
        """Press, hear the verdict, and pay or leave."""
        token = self._become_somebody()
        with closing(self._open_socket(token)) as listening:
            intent = self._press(token)
            if intent is None:
                return
            if random.random() < self.options.leaving:
                self._leave(token, intent)
                return
            decided = self._verdict(listening, intent)
        if decided is None:
            self._leave(token, intent)
        elif decided["status"] == "held":
            time.sleep(random.expovariate(1 / self.options.thinking) if self.options.thinking else 0)
            self._pay(token, decided["order_id"])

    def _newest_sale(self) -> str:
        for status in ("open", "scheduled"):
            found = self.client.get(f"{API}/sales?status={status}", name="sales").json()["items"]
            if found:
                return str(found[0]["id"])
        raise StopUser("There is no sale; name one by --sale.")

    def _become_somebody(self) -> str:
        """Take the next token, or register: a registration costs the shop the hashing of a password."""
        if self.options.tokens:
            token = next(_people, None)
            if token is None:
                raise StopUser("Everybody in the file of tokens has come.")
            return token
        account = {"email": f"{uuid.uuid4().hex}@locust.example", "password": uuid.uuid4().hex}
        self.client.post(f"{API}/auth/register", json=account, name="register")
        said = self.client.post(f"{API}/auth/login", json=account, name="log in").json()
        return str(said["access_token"])

    def _open_socket(self, token: str) -> Any:
        """Open a socket, as the sale's page does: who one is and what one watches come with the handshake."""
        url = f"{self.host.replace('http', 'ws', 1)}/ws?sale={self.sale_id}"
        return self._timed(
            "socket",
            "socket",
            lambda: websocket.create_connection(
                url,
                header=_bearer(token),
                suppress_origin=True,
                timeout=VERDICT_S,
                sslopt={"cert_reqs": ssl.CERT_NONE} if self.insecure else None,
            ),
        )

    def _press(self, token: str) -> dict[str, Any] | None:
        """Ask to buy; None where the shop says that there is nothing to be had, or that it is in line."""
        headers = {**_bearer(token), "Idempotency-Key": uuid.uuid4().hex}
        path = f"{API}/sales/{self.sale_id}/intents"
        with self.client.post(path, json={}, headers=headers, name="press", catch_response=True) as answer:
            said: dict[str, Any] = answer.json() if answer.content else {}
            if answer.status_code == 202:
                return said
            if said.get("code") in OVER or said.get("code") == "already_in_line":
                answer.success()
            return None

    def _verdict(self, listening: Any, intent: dict[str, Any]) -> dict[str, Any] | None:
        """Listen until the last word on an intent; None where that does not come in time."""

        def hear() -> dict[str, Any] | None:
            until = time.monotonic() + VERDICT_S
            while time.monotonic() < until:
                said: dict[str, Any] = json.loads(listening.recv())
                if said.get("type") == "intent" and said["id"] == intent["id"] and said["status"] in FINAL:
                    return said
            return None

        heard: dict[str, Any] | None = self._timed("WAIT", "verdict", hear)
        return heard

    def _pay(self, token: str, order_id: str) -> None:
        """Pay, and wait for the receipt."""
        headers = {**_bearer(token), "Idempotency-Key": uuid.uuid4().hex}
        body = {"method": "sandbox_ok"}
        self.client.post(f"{API}/orders/{order_id}/payments", json=body, headers=headers, name="pay")

        def receipt() -> None:
            until = time.monotonic() + PAID_S
            while time.monotonic() < until:
                said = self.client.get(
                    f"{API}/orders/{order_id}", headers=_bearer(token), name="order"
                ).json()
                if said.get("status") != "paying":
                    return
                time.sleep(POLL_S)

        self._timed("WAIT", "receipt", receipt)

    def _leave(self, token: str, intent: dict[str, Any]) -> None:
        """Give up the place; that the verdict was quicker is no failure."""
        path = f"{API}/intents/{intent['id']}"
        with self.client.delete(path, headers=_bearer(token), name="leave", catch_response=True) as answer:
            if answer.status_code == 409:
                answer.success()

    def _timed(self, kind: str, name: str, do: Callable[[], Any]) -> Any:
        """Do something that is no request of Locust's own, and have it counted as one."""
        began = time.perf_counter()
        error: Exception | None = None
        try:
            return do()
        except (OSError, websocket.WebSocketException) as failed:
            error = failed
            raise StopUser(str(failed)) from failed
        finally:
            took_ms = (time.perf_counter() - began) * 1000
            self.environment.events.request.fire(
                request_type=kind,
                name=name,
                response_time=took_ms,
                response_length=0,
                exception=error,
                context={},
            )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
