"""What is said and heard in the closed world, and what can be asked about it."""
