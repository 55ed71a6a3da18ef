"""Hierarchical task network planning: pure functions and values, no input or output."""
