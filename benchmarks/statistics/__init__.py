"""What R replicates say, with intervals: NumPy alone, nothing of JAX."""
