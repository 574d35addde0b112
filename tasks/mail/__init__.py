"""Mail: the outbox that is written with what moved money, the letters, and their way to an SMTP server."""
