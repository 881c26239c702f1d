"""Metrics of predictions, by name."""
