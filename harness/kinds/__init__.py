"""What each kind of task asks of a model: its head, its targets, its loss, its predictions. No kind asks which family it has."""
