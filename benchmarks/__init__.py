"""Benchmarks: each prints JSON with its commit and machine."""
