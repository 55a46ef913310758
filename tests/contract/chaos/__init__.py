"""Vendors that misbehave, processes that are killed, and the proof that every job was paid once and none was lost."""
