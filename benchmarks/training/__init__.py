"""Training θ with an estimator: the loop, the objective along the way, gradients at checkpoints."""
