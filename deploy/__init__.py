"""Sets the platform up, starts its processes and keeps them running; knows nothing of sales."""
