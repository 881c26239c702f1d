"""Statistical comparison of models from records and predictions."""
