"""Money: starting, running and ending payments and refunds, and what a provider's answer does to an order."""
