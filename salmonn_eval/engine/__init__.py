"""How it is run: plan, execute, store, resume, shard, score."""
