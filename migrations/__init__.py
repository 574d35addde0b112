"""The schema, one purpose a migration."""
