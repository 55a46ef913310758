"""The commands of the command line, one file each. Only ``run`` brings Prefect along."""
