"""What every piece of work stands on: the Celery application, bells, the breaker, logs, caches."""
