"""Products that land in storage below ``incoming/``: found, waited for until they are whole, claimed and read."""
