"""gunicorn and its gevent worker: how a web process accepts connections, waits for clients, and stops."""
