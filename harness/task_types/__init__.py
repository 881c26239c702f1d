"""What each kind of task asks of a model: head, loss, predictions. No kind asks which family it has."""
