"""Payment providers behind one port: the embedded sandbox, and Stripe. They know no order."""
