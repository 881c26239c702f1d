"""Pretraining objectives on raw text: each file defines one, as `objective`."""
