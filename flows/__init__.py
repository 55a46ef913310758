"""What can be started: one file per flow, and the command line."""
