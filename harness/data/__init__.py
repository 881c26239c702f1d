"""Data: sources, file readers, near-duplicates and splits."""
