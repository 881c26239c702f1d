"""Convert texts to token ids, windows, items and batches."""
