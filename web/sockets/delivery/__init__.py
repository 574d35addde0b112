"""What sockets are sent: sales to all who watch, intents and orders to their owners, and what was missed."""
