"""Domains as GTPyhop knows them: functions that are declared to the current domain, and found again by its name."""

from collections.abc import Callable
from copy import copy
from itertools import count
from typing import Any, TypeAlias

from htn.domain import Arity
from htn.errors import UsageError
from htn.gtpyhop.settings import PROCESS, current, say

Function: TypeAlias = Callable[..., Any]
_NUMBERS = count()
_ANY_ARGUMENTS = Arity((), 0, open_ended=True)


class Domain:
    """Actions, commands and methods that belong together. Making one makes it the current one."""

    def __init__(self, domain_name: str) -> None:
        self.__name__ = domain_name
        self._action_dict: dict[str, Function] = {}
        self._command_dict: dict[str, Function] = {}
        self._task_method_dict: dict[str, list[Function]] = {}
        self._unigoal_method_dict: dict[str, list[Function]] = {}
        self._multigoal_method_list: list[Function] = []
        self._arities: dict[Function, Arity] = {}
        # By the way it was translated: what was declared then, and the domain that the search knows.
        self._translations: dict[Any, tuple[Any, Any]] = {}
        PROCESS.domains.append(self)
        current().domain = self

    def __str__(self) -> str:
        return f"<Domain {self.__name__}>"

    def __repr__(self) -> str:
        return f"Domain({self.__name__!r})"

    def copy(self, new_name: str | None = None) -> "Domain":
        """Return a domain with the same functions, to which others can be declared."""
        made = copy(self)
        made.__name__ = new_name or f"{self.__name__}_copy_{next(_NUMBERS)}"
        made._action_dict, made._command_dict = dict(self._action_dict), dict(self._command_dict)
        made._task_method_dict = {task: list(ways) for task, ways in self._task_method_dict.items()}
        made._unigoal_method_dict = {name: list(ways) for name, ways in self._unigoal_method_dict.items()}
        made._multigoal_method_list = list(self._multigoal_method_list)
        made._translations = {}
        return made

    def declared(self) -> tuple[Any, ...]:
        """Return everything that a search can use, as it is kept here."""
        return (
            self.__name__,
            self._action_dict,
            self._task_method_dict,
            self._unigoal_method_dict,
            self._multigoal_method_list,
        )

    def display(self) -> None:
        """Print the names of the actions, commands and methods."""
        print_domain(self)

    def arity(self, function: Function) -> Arity:
        """Return how many arguments a function takes after the state; any number where that cannot be told."""
        known = self._arities.get(function)
        if known is None:
            try:
                known = Arity.of(function)
            except (TypeError, ValueError):
                known = _ANY_ARGUMENTS
            self._arities[function] = known
        return known


def needed_domain() -> Domain:
    """Return the current domain. UsageError when there is none."""
    domain = current().domain
    if domain is None:
        raise UsageError("there is no current domain", hints=("make one first: gtpyhop.Domain('name')",))
    return domain


def _domain(domain: Domain | None) -> Domain:
    return needed_domain() if domain is None else domain


def set_current_domain(domain: Domain) -> None:
    """Make a domain the one that declarations and plans are about."""
    if not isinstance(domain, Domain):
        raise TypeError(f"a domain is a gtpyhop.Domain, not a {type(domain).__name__}")
    current().domain = domain


def get_current_domain() -> Domain | None:
    """Return the domain that declarations and plans are about."""
    return current().domain


def find_domain_by_name(domain_name: str) -> Domain | None:
    """Return the first domain that was made with a name, or None."""
    return next((domain for domain in PROCESS.domains if domain.__name__ == domain_name), None)


def is_domain_created(domain_name: str) -> bool:
    """Say whether a domain was made with a name."""
    return find_domain_by_name(domain_name) is not None


def declare_actions(*actions: Function) -> dict[str, Function]:
    """Declare actions to the current domain: functions that change the state they get and return it, or None."""
    domain = needed_domain()
    domain._action_dict.update({action.__name__: action for action in actions})
    return domain._action_dict


def declare_commands(*commands: Function) -> dict[str, Function]:
    """Declare what carries actions out: the command of the action `walk` is called `c_walk`."""
    domain = needed_domain()
    domain._command_dict.update({command.__name__: command for command in commands})
    return domain._command_dict


def declare_task_methods(task_name: str, *methods: Function) -> dict[str, list[Function]]:
    """Declare ways to do a task, tried in this order after those that it has."""
    known = needed_domain()._task_method_dict
    _extend(known.setdefault(task_name, []), methods)
    return known


def declare_unigoal_methods(state_var_name: str, *methods: Function) -> dict[str, list[Function]]:
    """Declare ways to reach goals `(state_var_name, key, value)`; a method gets the state, the key and the value."""
    known = needed_domain()._unigoal_method_dict
    _extend(known.setdefault(state_var_name, []), methods)
    return known


def declare_multigoal_methods(*methods: Function) -> list[Function]:
    """Declare ways to reach multigoals; a method gets the state and the multigoal."""
    known = needed_domain()._multigoal_method_list
    _extend(known, methods)
    return known


def _extend(known: list[Function], methods: tuple[Function, ...]) -> None:
    known.extend(method for method in dict.fromkeys(methods) if method not in known)


def declare_operators(*actions: Function) -> dict[str, Function]:
    """Pyhop's name for `declare_actions`; as there, no domain need be made first."""
    _classic("declare_operators", "declare_actions")
    return declare_actions(*actions)


def declare_methods(task: str, *methods: Function) -> dict[str, list[Function]]:
    """Pyhop's name for `declare_task_methods`; as there, no domain need be made first."""
    _classic("declare_methods", "declare_task_methods")
    return declare_task_methods(task, *methods)


def _classic(name: str, successor: str) -> None:
    if current().domain is None:
        Domain("pyhop")
    backward(name, successor)


def backward(name: str, successor: str) -> None:
    """Say that a name is Pyhop's."""
    if current().verbose > 0:
        say(f"\n        >> {name} is for programs that were written for Pyhop; GTPyhop's name is {successor}.")


def print_domain(domain: Domain | None = None) -> None:
    """Print a domain's actions, commands and methods."""
    domain = _domain(domain)
    say(f"\nDomain name: {domain.__name__}")
    print_actions(domain)
    print_commands(domain)
    print_methods(domain)


def print_domain_names() -> None:
    """Print the names of all domains that were made."""
    _row("Domain names", "domains", [domain.__name__ for domain in PROCESS.domains])


def print_actions(domain: Domain | None = None) -> None:
    """Print the names of the actions."""
    _row("Actions", "actions", list(_domain(domain)._action_dict))


def print_operators() -> None:
    """Pyhop's name for `print_actions`."""
    backward("print_operators", "print_actions")
    print_actions()


def print_commands(domain: Domain | None = None) -> None:
    """Print the names of the commands."""
    _row("Commands", "commands", list(_domain(domain)._command_dict))


def print_methods(domain: Domain | None = None) -> None:
    """Print which methods there are for tasks, goals and multigoals."""
    domain = _domain(domain)
    _table("Task name:", "task methods", domain._task_method_dict)
    _table("State var name:", "unigoal methods", domain._unigoal_method_dict)
    _row("Multigoal methods", "multigoal methods", _names(domain._multigoal_method_list))


def _row(title: str, what: str, names: list[str]) -> None:
    say(f"-- {title}: {', '.join(names)}" if names else f"-- There are no {what} --")


def _table(title: str, what: str, ways: dict[str, list[Function]]) -> None:
    if not ways:
        say(f"-- There are no {what} --")
        return
    say(f"\n{title:<19}Relevant {what}:\n{'-' * 15:<19}{'-' * len(f'Relevant {what}:')}")
    for name, methods in ways.items():
        say(f"{name:<19}{', '.join(_names(methods))}")
    say("")


def _names(functions: list[Function]) -> list[str]:
    return [function.__name__ for function in functions]
