"""Errors meant for people: one sentence that says what, where, what was expected and what to do, and an exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command; the README holds their table."""

    OK = 0
    NEGATIVE = 1
    USAGE = 2
    INCOMPLETE = 3
    PREREQUISITE = 4
    INTERNAL = 5
    INTERRUPTED = 130


class SalmonnEvalError(Exception):
    """A fault a user can mend. `str()` is the sentence; `exit_code` is what the command line ends with."""

    exit_code = ExitCode.INTERNAL


class UsageError(SalmonnEvalError):
    """The command, a file or a field is not what was expected."""

    exit_code = ExitCode.USAGE


class ValidationError(SalmonnEvalError):
    """A definition was checked and found broken."""

    exit_code = ExitCode.NEGATIVE


class IncompleteError(SalmonnEvalError):
    """The run could not be completed; what was computed is kept."""

    exit_code = ExitCode.INCOMPLETE


class PrerequisiteError(SalmonnEvalError):
    """Data, weights or an optional package is missing."""

    exit_code = ExitCode.PREREQUISITE


class AudioError(SalmonnEvalError):
    """One clip cannot be heard: an error of that sample alone."""

    exit_code = ExitCode.INCOMPLETE
