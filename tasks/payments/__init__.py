"""Money: the port to payment providers, their adapters, and what an answer of theirs does to an order."""
