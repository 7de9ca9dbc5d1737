"""The HTML page of a run, or of two side by side: one file that opens offline."""
