"""Finished kits over HTTP, read only, for back ends that do not share the storage."""
