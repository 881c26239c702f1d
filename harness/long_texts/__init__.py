"""How a model reads what is longer than it reads at once."""
