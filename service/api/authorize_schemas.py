"""What the bodies of answers to proxies hold, for `/openapi.json`; `authorize_answer` writes them."""

from datetime import datetime

from service.api.answers import AnswerSchema, ProblemAnswer
from service.api.authorize_answer import Undecided
from service.core.model.failure import Code
from service.core.model.verdict import Decision, Status


class AuthorizeAnswer(AnswerSchema):
    """A decision, in words that the client may read."""

    decision: Decision
    """What the proxy shall do; its status says the same."""
    status: Status
    """What is known of the certificate."""
    code: Code
    """Why."""
    detail: str
    """A sentence for a person: without the reason of a block, and without where evidence comes from."""
    decision_id: str
    """Names this decision in logs."""
    valid_until: datetime
    """Until when the answer may be reused."""


class AuthorizeProblemAnswer(ProblemAnswer):
    """A request that nothing was decided about."""

    decision: Decision
    """`deny`, always."""
    code: Undecided
    """Why."""
    decision_id: str
    """Names this answer in logs."""
