"""Where examples come from: sources, file readers, near-duplicates, splits."""
