"""One script per figure we claim; each prints one line per figure."""
