"""The fault suite, `python -m tests.faults`: what is damaged on purpose, and whether it is told."""
