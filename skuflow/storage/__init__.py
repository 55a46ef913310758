"""Objects in a local folder or in OSS, behind one interface."""
