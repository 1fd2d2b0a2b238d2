"""Figures, with matplotlib: how what they show is drawn, laid out and written."""
