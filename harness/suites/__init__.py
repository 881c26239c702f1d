"""Suites: models x tasks x seeds, skipping what is recorded."""
