"""What ``deployments/docker/compose.yaml`` describes, run without containers and measured."""
