"""The shoppers' pages. They only read; every change goes through the API."""
