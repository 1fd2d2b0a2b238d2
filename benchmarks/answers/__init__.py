"""Which estimator is best, at which L, for what a gradient may cost."""
