"""The version, separate from the Python interface, so that the command line need not import that."""

__version__ = "0.3.0"
