"""Sums up a list of readings."""
