"""Every estimator and problem, with its paper."""
