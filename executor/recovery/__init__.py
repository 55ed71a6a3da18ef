"""What is done about a step that failed, in the order of what it costs; see `executor.recovery.policy`."""

from typing import TYPE_CHECKING

from executor.later import later

if TYPE_CHECKING:
    from executor.recovery.kept import kept_by
    from executor.recovery.policy import Asked, Recovery, levels
    from executor.recovery.setback import Frame, Place, Recovered, Remedy, Setback, Tried, Way
else:
    __getattr__ = later(
        __name__,
        {
            "kept": "kept_by",
            "policy": "Asked Recovery levels",
            "setback": "Frame Place Recovered Remedy Setback Tried Way",
        },
    )

__all__ = [
    "Asked",
    "Frame",
    "Place",
    "Recovered",
    "Recovery",
    "Remedy",
    "Setback",
    "Tried",
    "Way",
    "kept_by",
    "levels",
]
