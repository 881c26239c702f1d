"""Charts as SVG elements, for a page that defines the colours of their classes."""
