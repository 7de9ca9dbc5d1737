"""What `run` does when nothing is said: the embedded SALMONN on the test sets of its world."""

from pathlib import Path

DEFAULT_TASKS = "level1"
DEFAULT_MODEL = "salmonn-nano"
DEFAULT_OUT = Path("results/runs")
