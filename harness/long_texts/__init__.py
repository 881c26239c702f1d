"""Read texts longer than a model's input."""
