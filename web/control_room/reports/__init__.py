"""The pages of reports: their figures in words, and as charts that need no script."""
