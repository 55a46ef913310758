"""What the emulators of all vendors share: the server, time, jobs, the bill, faults, files and media."""
