"""The sockets: `/ws`, and the hub that serves them."""
