"""Arrays of other libraries in the memory of the CPU: computed by `_cpu`, returned as arrays of their library."""
