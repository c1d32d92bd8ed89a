"""JSON as it arrives: UTF-8, finite, and unambiguous (I-JSON, RFC 7493 §2).

Two members of the same name are refused: the next reader of the same text may believe the other one. So are unpaired
surrogates, which are no characters and which no answer could repeat.
"""

import json
import re
from json import JSONDecodeError, JSONDecoder
from typing import Never

from service.api.problems import ProblemError, malformed_json, printable

MAX_MEMBERS = 64
"""Members of one object: no request has more than a dozen, and each unknown one costs a word in the problem."""

MAX_CONTAINERS = 32_768
"""Objects and lists of one body, brackets in strings counted with them: a full batch with every option given has half
as many. Eight megabytes of nothing else would hold up a worker for two seconds."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(body: bytes) -> object:
    """The value of a JSON text.

    Raises:
        ProblemError: it is none, nests too deeply, has too many objects and lists, an unpaired surrogate, or an object
            with a member twice or too many of them (400).
    """
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise ProblemError(malformed_json(f"The body has more than {MAX_CONTAINERS} objects and lists."))
    try:
        value = _decoder.decode(body.decode())
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeDecodeError:
        raise ProblemError(malformed_json("The body is not UTF-8.")) from None
    except UnicodeEncodeError:
        raise ProblemError(malformed_json("A string has an unpaired surrogate.")) from None
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ProblemError(malformed_json(f"The body is not JSON: {error.msg} at {where}.")) from None
    except RecursionError:
        raise ProblemError(malformed_json("The body nests too deeply.")) from None
    except ValueError:
        raise ProblemError(malformed_json("The body has a number with too many digits.")) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MAX_MEMBERS:
        raise ProblemError(malformed_json(f"An object has more than {MAX_MEMBERS} members."))
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ProblemError(malformed_json(f"An object has the member {printable(twice)} twice."))
    return members


def _no_number(name: str) -> Never:
    raise ProblemError(malformed_json(f"{name} is not JSON."))


_decoder = JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
