"""Who of the staff may do what: the table, the guard of routes and pages, and keys for programs."""
