"""The routes of one's own account, under `/api/v1`, one module a noun."""
