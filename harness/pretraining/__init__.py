"""From raw texts to a language model's checkpoint."""
