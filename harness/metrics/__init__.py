"""Scores of predictions, by name."""
