"""What `run` does when nothing is said: the embedded recogniser on embedded recordings."""

from pathlib import Path

DEFAULT_TASKS = "level1"
DEFAULT_SUITE = "mini-real"
DEFAULT_MODEL = "pocketsphinx"
DEFAULT_OUT = Path("results/runs")
