"""From records and predictions to what a comparison supports."""
