"""The live state of sales in Redis: the line, the stock while a sale runs, the claims of the workers."""
