"""What the law gives people about their data: a copy of all of it, and that it is forgotten."""
