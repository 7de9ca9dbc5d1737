"""Answers judged by another language model: what a judge is, how one is asked, how its verdicts are read."""
