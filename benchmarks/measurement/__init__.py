"""One cell: its replicates, and what is known exactly beside them."""
