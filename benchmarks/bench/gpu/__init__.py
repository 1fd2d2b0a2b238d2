"""What is asked of a GPU, measured in eight minutes."""
