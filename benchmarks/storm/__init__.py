"""`make storm`: a storm of webhooks."""
