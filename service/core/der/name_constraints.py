"""nameConstraints (RFC 5280 §4.2.1.10).

What a base may be in each form is the business of `core.names`: one that is not of its form makes the names of that
form incomparable, and the certificate stays legible.
"""

from service.core.der import tlv
from service.core.der.extension import only
from service.core.der.name import read_general_names
from service.core.model.certificate import NameConstraints
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralName

_PERMITTED = tlv.context(0)
_EXCLUDED = tlv.context(1)
_MINIMUM = tlv.context(0, constructed=False)


def read_name_constraints(data: tlv.Buffer, start: int, stop: int) -> NameConstraints:
    """NameConstraints.

    Raises:
        MalformedError: it does not decode, it or a list in it is empty, or a subtree has a minimum other than 0 or a
            maximum.
    """
    found: dict[int, tuple[GeneralName, ...]] = {}
    for tag, _, content, after in tlv.fields(data, *only(data, start, stop, tlv.SEQUENCE)):
        if tag not in (_PERMITTED, _EXCLUDED):
            raise MalformedError("nameConstraints with an unknown field")
        found[tag] = tuple(_subtree(data, *one) for one in tlv.children(data, content, after))
        if not found[tag]:
            raise MalformedError("nameConstraints with an empty list of subtrees")
    if not found:
        raise MalformedError("empty nameConstraints")
    return NameConstraints(found.get(_PERMITTED, ()), found.get(_EXCLUDED, ()))


def _subtree(data: tlv.Buffer, tag: int, _: int, start: int, stop: int) -> GeneralName:
    if tag != tlv.SEQUENCE:
        raise MalformedError("nameConstraints with something other than a subtree")
    _, _, after = tlv.read(data, start, stop)
    (base,) = read_general_names(data, start, after)
    # RFC 5280 §4.2.1.10: minimum MUST be zero and maximum MUST be absent. DER leaves a minimum of zero out; where it is
    # spelt out it means the same.
    for field, _, content, end in tlv.fields(data, after, stop):
        if field != _MINIMUM or tlv.integer(data, content, end) != 0:
            raise MalformedError("a subtree with a minimum or a maximum")
    return base
