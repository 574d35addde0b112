"""What load tools stand on: the platform that they start, its processes, settings, accounts and words."""
