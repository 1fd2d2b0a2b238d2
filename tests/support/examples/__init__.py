"""What was tried as a new user would: classes and sweeps beside one another, in no package."""
