"""The version, apart from the Python interface, so that the command line need not know that."""

__version__ = "0.3.0"
