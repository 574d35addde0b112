"""Payment providers behind one interface: the embedded sandbox, and Stripe. They know nothing of orders."""
