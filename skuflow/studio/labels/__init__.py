"""What a file says of its own origin: GB 45438-2025, IPTC Digital Source Type, and the label that people see."""
