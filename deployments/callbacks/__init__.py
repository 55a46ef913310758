"""The receiver of vendors' callbacks."""
