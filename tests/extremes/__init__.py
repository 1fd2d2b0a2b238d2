"""The whole range that arguments may take, against truths derived apart from the code."""
