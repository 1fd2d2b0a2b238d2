"""Names of problems and estimators, what they stand for, and back."""
