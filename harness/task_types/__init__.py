"""What each task type asks of a model: head, loss, predictions. None asks which family it has."""
