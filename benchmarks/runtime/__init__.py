"""What a measurement runs on: the environment, devices, processes, compiled programs."""
