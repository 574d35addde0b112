"""`make crowd`: as many sockets as a machine holds, what they cost, and how soon all of them hear."""
