"""salmonn-eval: a task asks, a model answers, a scorer measures, a run remembers, a report shows."""

__version__ = "0.1.0"
