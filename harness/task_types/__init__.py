"""Task types: heads, losses and predictions. None depends on the family of the model."""
