"""What is said of Transformers, measured: claims, what measures each, and the page that says what held."""
