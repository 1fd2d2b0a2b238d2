"""Numbers that papers published: what a sweep says of them, and whether ours agree."""
