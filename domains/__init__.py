"""Bundled domains: one file each. They import `htn` and the standard library, nothing else."""
