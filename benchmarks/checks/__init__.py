"""What every estimator and problem must do, tried on a user's own too."""
