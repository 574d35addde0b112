"""`make rush`: a crowd of shoppers that buys."""
