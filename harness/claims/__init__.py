"""Claims about Transformers: their measurement, and the page that shows which of them held."""
