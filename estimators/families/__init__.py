"""Single families of distributions: their draws, derivatives of these, and densities."""
