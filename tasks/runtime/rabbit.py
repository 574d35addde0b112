"""RabbitMQ over TLS: each node's certificate and name are checked, the name of which kombu checks of none."""

import ssl
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.pyamqp import SSLTransport


class VerifyingTransport(SSLTransport):
    """What `amqps://` means here; reads the options of TLS from the address as those of `rediss://`."""

    def establish_connection(self) -> Any:
        """Connect to the node whose turn it is.

        Raises:
            OSError: it does not answer, or its certificate is not good.
        """
        client: Any = self.client
        told = client.ssl if isinstance(client.ssl, dict) else {}
        options = {name.removeprefix("ssl_"): value for name, value in told.items()}
        if options.get("cert_reqs") != ssl.CERT_NONE:
            options.setdefault("server_hostname", client.hostname)
        client.ssl = options or True
        return super().establish_connection()


def verify_rabbits() -> None:
    """Have every `amqps://` of this process mean this."""
    TRANSPORT_ALIASES["amqps"] = f"{__name__}:{VerifyingTransport.__name__}"
