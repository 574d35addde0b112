"""What is true: rows, vocabulary, errors and events; `models.live` is the Redis side of the same truth."""
