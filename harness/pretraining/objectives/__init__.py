"""What a model learns from raw text: a file is an objective, and gives it as `objective`."""
