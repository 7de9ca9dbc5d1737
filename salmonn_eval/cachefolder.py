"""Where this user's copies of things that can be had again are kept."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """`SALMONN_EVAL_CACHE`, else the user's cache folder; it may not exist yet."""
    return Path(os.environ.get("SALMONN_EVAL_CACHE") or platformdirs.user_cache_dir("salmonn-eval"))
