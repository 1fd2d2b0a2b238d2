"""Throughput, compile time, memory and growth, against what they are to be."""
