"""Tests of what recommends."""
