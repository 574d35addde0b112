"""The domain: tables, enums, errors and messages; `models.live` is the Redis side of the same data."""
