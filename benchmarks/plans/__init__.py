"""A plan: how long it takes, what is there of it, and what of that is to be made again."""
