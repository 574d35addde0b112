"""Reports of sales: how they are made and kept, and when they are requested."""
