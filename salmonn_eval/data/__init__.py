"""Where samples come from: manifests, corpora in their own formats, Hugging Face datasets; and their audio."""
