"""Corpora in their own formats, a module each: what lies on disk becomes samples, and nothing is downloaded."""
