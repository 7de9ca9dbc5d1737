"""salmonn-nano's ears, trained from nothing: a Whisper encoder on words, BEATs on sounds; both on voices too."""
