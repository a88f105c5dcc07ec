"""The benchmarks: one file each, with one object called ``benchmark``."""
