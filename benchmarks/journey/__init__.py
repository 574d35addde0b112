"""`make journey`: a crowd that comes as people do, from the page to the receipt."""
