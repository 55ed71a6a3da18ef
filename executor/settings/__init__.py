"""Settings: by flag, by environment, by file, in this order; then the default."""

from executor.settings.models import ModelPlace
from executor.settings.names import megabytes
from executor.settings.settings import (
    CACHE,
    LIBRARY,
    PLANNING,
    ROUTING,
    RUNS,
    SANDBOX,
    Settings,
    led_from_here,
    read_file,
)
from executor.settings.table import Row, table

__all__ = [
    "CACHE",
    "LIBRARY",
    "PLANNING",
    "ROUTING",
    "RUNS",
    "SANDBOX",
    "ModelPlace",
    "Row",
    "Settings",
    "led_from_here",
    "megabytes",
    "read_file",
    "table",
]
