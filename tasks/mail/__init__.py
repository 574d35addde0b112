"""Mail: the outbox, written in the transactions that move money, the messages, and their delivery by SMTP."""
