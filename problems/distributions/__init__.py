"""Distributions beyond numpyro's, and sums and integrals over them."""
