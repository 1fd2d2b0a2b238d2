"""Tests of benchmarks/folders."""
