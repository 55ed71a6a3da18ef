"""Acting and learning: the only package that touches the outside world."""
