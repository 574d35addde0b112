"""Health checks for operators: alive, ready, durable; and who may see the details."""
