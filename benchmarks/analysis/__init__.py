"""What a run's numbers say of one another: labels, ratios, crossovers."""
