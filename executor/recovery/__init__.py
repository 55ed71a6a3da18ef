"""What is done about a step that failed, in the order of what it costs; see `executor.recovery.policy`."""

from executor.recovery.kept import kept_by
from executor.recovery.policy import Asked, Recovery, levels
from executor.recovery.setback import Place, Recovered, Remedy, Setback, Tried, Way

__all__ = ["Asked", "Place", "Recovered", "Recovery", "Remedy", "Setback", "Tried", "Way", "kept_by", "levels"]
