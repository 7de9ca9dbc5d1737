"""salmonn-nano's language model: a Llama that learns the world's tasks on text, before it hears anything."""
