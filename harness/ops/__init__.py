"""Fast operations on CPUs: compiled kernels, and modules that use them; devices, memory and processes."""
