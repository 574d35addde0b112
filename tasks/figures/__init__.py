"""The page of figures about the whole platform, which workers write and web processes show."""
