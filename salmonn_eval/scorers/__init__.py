"""What was measured: one module per metric family, text normalizers, and the rule table."""
