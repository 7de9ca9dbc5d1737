"""salmonn-nano: a SALMONN small enough to ship, made from nothing in a closed synthetic world."""
