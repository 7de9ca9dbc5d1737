"""Intervals from arrays: cluster bootstrap, jackknife, Wilson with a design effect."""
