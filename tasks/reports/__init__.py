"""Reports of sales: how they are made and kept, and who asks for them when."""
