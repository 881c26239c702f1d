"""Export: a finished run's model in a format for other programs, checked against the run itself."""
