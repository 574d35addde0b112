"""What clients send over a socket, and how it is answered."""
