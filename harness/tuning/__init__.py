"""Tuning: every trained model has its recipe chosen on validation, at the same budget."""
