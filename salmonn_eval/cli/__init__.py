"""The command line: one module per command, composing the rest."""
