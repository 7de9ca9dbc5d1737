"""What is asked: task definitions in YAML, their discovery, checks and prompts."""
