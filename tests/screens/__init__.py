"""Every view of the pages as a scene: pictures are made of them, and tests look at each."""
