"""Tables, numbers, charts and sentences, independent of the format."""
