"""The operators' questions: alive, ready, durable; and who may ask for details."""
