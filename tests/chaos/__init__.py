"""The fault soak: a crowd, a nemesis that breaks what it can, and a checker that reads what they left."""
