"""What accounts are told that did not ask for it at that moment: sales they follow."""
