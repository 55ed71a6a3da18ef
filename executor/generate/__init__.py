"""Ask a model for a contract, for a body, and for a repaired body; check the form of what it says."""

from executor.generate.prompt import body_prompt, contract_prompt, system_prompt, templates_version
from executor.generate.propose import Proposer

__all__ = ["Proposer", "body_prompt", "contract_prompt", "system_prompt", "templates_version"]
