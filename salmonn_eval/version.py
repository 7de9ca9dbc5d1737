"""The version of salmonn-eval."""

__version__ = "0.1.0"
