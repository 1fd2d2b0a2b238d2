"""One cell: from everything that its measurement needs to everything that is kept of it."""
