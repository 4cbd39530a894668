"""Networks and how they learn: one loop, seven ways to adapt, a classifier of any labels."""
