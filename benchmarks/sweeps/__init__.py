"""Many cells: the file that asks for them, the store that keeps them, the run between the two."""
