"""Who may ask what of the operations: whoever has a token may look, and administrators may change things."""

from starlette.types import Scope

from service.api.authentication import Role, Who
from service.api.problems import ProblemError, admin_needed
from service.api.rules import ApiRules


def permit(rules: ApiRules, scope: Scope) -> Who:
    """Let in who may ask and look.

    Raises:
        ProblemError: nobody who may (401).
    """
    return rules.access.authenticate(scope)


def permit_admin(rules: ApiRules, scope: Scope, what: str) -> str:
    """Let in who may change things.

    Args:
        rules: Who may.
        scope: The request.
        what: Is done only with an administrator's token.

    Returns:
        Who asks, for people.

    Raises:
        ProblemError: nobody who may (401, 403).
    """
    who = permit(rules, scope)
    if who.role is not Role.ADMIN:
        raise ProblemError(admin_needed(what))
    return who.name
