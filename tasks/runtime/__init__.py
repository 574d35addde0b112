"""What every piece of work uses: the Celery application, bells, the breaker, logs, caches."""
