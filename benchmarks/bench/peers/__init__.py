"""The same gradients by other libraries, each in an environment of its own."""
