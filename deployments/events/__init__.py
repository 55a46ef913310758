"""The receiver of storage events: it records what landed and rings for the runs that work it off."""
