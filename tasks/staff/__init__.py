"""The staff and their roles, invitations, and programs' keys."""
