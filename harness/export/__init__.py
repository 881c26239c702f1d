"""Export: a finished run's model in a form that other programs use, checked against the run itself."""
