"""What makes a processor fast: compiled kernels, and modules that use them."""
