"""Objectives of a few lines with answers that are known exactly."""
