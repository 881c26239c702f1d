"""Tables, numbers, charts and sentences, free of any format."""
