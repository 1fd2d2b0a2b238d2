"""What papers measure of an estimator, and how far their few draws of it scatter."""
