"""Charts as SVG elements, drawn for a page that gives the classes their colours."""
