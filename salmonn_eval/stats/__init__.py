"""Arrays only: intervals (cluster bootstrap, jackknife, Wilson with a design effect) and paired comparison."""
