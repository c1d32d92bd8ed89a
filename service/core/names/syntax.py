"""Names of a subjectAltName that cannot be what they say they are (RFC 5280 §4.2.1.6).

One reader takes such a name for another than the next does: it ends at a NUL or does not, its `*` stands for something
or does not. So they are no names, wherever they are. What is merely odd is none of this: an underscore, a dot at the
end, a colon, a mail address without a host or nothing at all in its place, a URI without a scheme are in use, and are
taken for no other name by anybody. What can be compared with a name constraint is another question, and stricter: see
`dns`, `mailbox` and `uri`.
"""

import re
from collections.abc import Mapping

from service.core.model.name import GeneralName, GeneralNameKind
from service.core.names.dns import MAX_HOST_CHARACTERS

_LABEL = rb"[\x21-\x29\x2b-\x2d\x2f-\x7e]{1,63}"
"""Anything that can be seen but `*` and the dot; 63 octets: RFC 1035 §2.3.4."""

_DNS_NAME = re.compile(rb"(?=.{1,%d}\.?\Z)(?:\*\.)?%b(?:\.%b)*\.?" % (MAX_HOST_CHARACTERS, _LABEL, _LABEL))
"""§4.2.1.6: preferred name syntax; `*` as the whole first label alone (RFC 9525 §6.3)."""

_MAILBOX = re.compile(rb'(?:[\x21\x23-\x7e]|"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*")*')
"""§4.2.1.6: IA5String; blanks stand between quotes alone (RFC 5321 §4.1.2)."""

_URI = re.compile(rb"[\x21-\x7e]*")
"""RFC 3986 §2: what is not among its characters is percent-encoded."""

_FORMS: Mapping[GeneralNameKind, tuple[re.Pattern[bytes], str]] = {
    GeneralNameKind.DNS_NAME: (_DNS_NAME, "a dNSName that is no DNS name"),
    GeneralNameKind.RFC822_NAME: (_MAILBOX, "an rfc822Name that is no mail address"),
    GeneralNameKind.URI: (_URI, "a uniformResourceIdentifier that is no URI"),
}


def syntax_fault(name: GeneralName) -> str | None:
    """What a name is that cannot be of its form, in words; None where it can be.

    It takes time that grows with the length of the name, and no more.
    """
    form = _FORMS.get(name.kind)
    return None if form is None or form[0].fullmatch(name.value) else form[1]
