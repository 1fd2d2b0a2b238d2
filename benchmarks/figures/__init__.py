"""Figures, as data: what they show of a run."""
