"""What is shown: tables."""
