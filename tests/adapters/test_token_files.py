"""The files of tokens: what is taken from them, and what changes nothing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from service.adapters.kept_memory import KeptMemory
from service.adapters.token_files import NoTokensError, TokenFiles
from service.api.authentication import Access, Who
from service.application.tokens import TokenDigests, TokenKind, digest_of_entry, digest_of_nobody, entry_of
from service.settings.files import read_tokens
from tests.adapters.tls.materials import write
from tests.api.asgi import sending

API, ADMIN, SHADOW = TokenKind.API, TokenKind.ADMIN, TokenKind.SHADOW
FIRST: Final = "first-0123456789abcdef"
SECOND: Final = "second-0123456789abcdef"
BOSS: Final = "boss-0123456789abcdef"
FIXED: Final = "fixed-0123456789abcdef"
API_FILE: Final = "REVET_API_TOKENS_FILE"
ADMIN_FILE: Final = "REVET_ADMIN_TOKENS_FILE"


def put(directory: Path, **tokens: str) -> dict[TokenKind, Path]:
    """Write files of tokens, separated by blanks here, and say where they are."""
    return {
        kind: write(directory / kind.value, "\n".join(tokens[kind.value].split()).encode())
        for kind in TokenKind
        if kind.value in tokens
    }


def opened(paths: Mapping[TokenKind, Path], kept: KeptMemory | None = None, **fixed: str) -> TokenFiles:
    """What looks at them."""
    digests = {kind: (digest_of_entry(fixed[kind.value]),) for kind in TokenKind if kind.value in fixed}
    return TokenFiles(paths, digests, read_tokens, kept)


def lets_in(access: Access, token: str) -> bool:
    """Whether somebody who has a token is let in."""
    return isinstance(access.identify(sending((b"authorization", f"Bearer {token}".encode()))), Who)


def of(tokens: TokenDigests) -> dict[str, set[str]]:
    """Tokens by their kinds, as far as tests know them."""
    names = {digest_of_entry(one): one for one in (FIRST, SECOND, BOSS, FIXED)}
    return {kind.value: {names[digest] for digest in digests} for kind, digests in tokens.of.items()}


@pytest.fixture
def kept() -> Iterator[KeptMemory]:
    """What workers share."""
    memory = KeptMemory.make("test")
    yield memory
    memory.close()


def test_tokens_come_and_go(tmp_path: Path) -> None:
    """Whoever follows is told of all tokens, those included that are in no file."""
    files = opened(put(tmp_path, api_tokens=FIRST), admin_tokens=FIXED)
    told: list[TokenDigests] = []
    files.follow(told.append)
    put(tmp_path, api_tokens=f"{FIRST} {entry_of(SECOND)}")
    both = files.look()
    put(tmp_path, api_tokens=SECOND)
    one, nothing = files.look(), files.look()
    assert [(API_FILE,), (API_FILE,), ()] == [look.taken for look in (both, one, nothing)]
    assert [{FIRST, SECOND}, {SECOND}] == [of(tokens)["api_tokens"] for tokens in told]
    assert [{FIXED}, {FIXED}] == [of(tokens)["admin_tokens"] for tokens in told]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "it does not exist"),
        (b"", "there is no token in it"),
        (b"\n \n", "there is no token in it"),
        (b"short", "token 1 has 5 characters, at least 16 are needed"),
        (f"{FIRST}\n{FIRST}".encode(), "a token is given twice"),
        (f"{FIRST}\n{entry_of(FIRST)}".encode(), "a token is given twice"),
        (b"\xff" * 40, "this is not UTF-8 text"),
        (b"x" * (2**20 + 1), "it has more than 1048576 bytes"),
        (f"{FIRST}\n{BOSS}".encode(), "a token of it is one of REVET_ADMIN_TOKENS_FILE too"),
        (f"{FIRST}\n{entry_of(FIXED)}".encode(), "a token of it is one of REVET_SHADOW_TOKENS too"),
    ],
)
def test_what_cannot_be_used_changes_nothing(content: bytes | None, problem: str, tmp_path: Path) -> None:
    """It is named, with its file and nothing of its content, for as long as it is so."""
    paths = put(tmp_path, api_tokens=FIRST, admin_tokens=BOSS)
    files = opened(paths, shadow_tokens=FIXED)
    before = files.tokens()
    told: list[TokenDigests] = []
    files.follow(told.append)
    if content is None:
        paths[API].unlink()
    else:
        write(paths[API], content)
    first, second = files.look(), files.look()
    assert ([], before, (), first) == (told, files.tokens(), first.taken, second)
    assert {API_FILE: f"{paths[API]}: {problem}"} == first.problems
    write(paths[API], SECOND.encode())
    assert ((API_FILE,), {}) == (files.look().taken, files.look().problems)


def test_a_removed_token_is_gone_while_another_file_is_broken(tmp_path: Path) -> None:
    """What cannot be used keeps nobody from being shut out."""
    paths = put(tmp_path, api_tokens=f"{FIRST} {SECOND}", admin_tokens=BOSS)
    files = opened(paths)
    paths[ADMIN].unlink()
    put(tmp_path, api_tokens=SECOND)
    look = files.look()
    assert ((API_FILE,), {ADMIN_FILE}) == (look.taken, set(look.problems))
    assert {"api_tokens": {SECOND}, "admin_tokens": {BOSS}} == of(files.tokens())


def test_a_token_in_two_files(tmp_path: Path) -> None:
    """It opens nothing while nobody knows whose it is, also where one has its digest; a third file is taken."""
    files = opened(put(tmp_path, api_tokens=FIRST, admin_tokens=BOSS, shadow_tokens=FIXED))
    put(
        tmp_path,
        api_tokens=f"{FIRST} {SECOND}",
        admin_tokens=f"{BOSS} {entry_of(SECOND)}",
        shadow_tokens=f"{FIXED} shadow-0123456789abcdef",
    )
    look = files.look()
    assert (("REVET_SHADOW_TOKENS_FILE",), {API_FILE, ADMIN_FILE}) == (look.taken, set(look.problems))
    assert [(digest_of_entry(FIRST),), (digest_of_entry(BOSS),)] == [files.tokens().of[kind] for kind in (API, ADMIN)]


def test_a_removed_token_is_gone_whoever_has_another_one_twice(tmp_path: Path) -> None:
    """A token of callers becomes an administrator's, whose own is gone, while the callers' file is in trouble too."""
    files = opened(put(tmp_path, api_tokens=FIRST, admin_tokens=BOSS, shadow_tokens=FIXED))
    put(tmp_path, api_tokens=SECOND, admin_tokens=FIRST, shadow_tokens=f"{FIXED} {SECOND}")
    look = files.look()
    assert ({API_FILE, ADMIN_FILE}, {API_FILE, "REVET_SHADOW_TOKENS_FILE"}) == (set(look.taken), set(look.problems))
    of_files = files.tokens().of
    assert [(digest_of_entry(FIRST),), (digest_of_entry(FIXED),)] == [of_files[ADMIN], of_files[SHADOW]]
    assert not {digest_of_entry(one) for one in (FIRST, SECOND)}.intersection(of_files[API])


def test_the_last_token_of_a_kind_is_gone(kept: KeptMemory, tmp_path: Path) -> None:
    """Its place is taken by one that nobody has: callers are still asked for one, of the same kinds as before."""
    paths = put(tmp_path, api_tokens=FIRST, admin_tokens=BOSS)
    files = opened(paths, kept)
    access = Access(files.tokens())
    files.follow(access.replace_tokens)
    put(tmp_path, api_tokens=f"{FIRST} {SECOND}", admin_tokens=SECOND)
    first, second = files.look(), files.look()
    assert ((ADMIN_FILE,), ()) == (first.taken, second.taken)
    assert ([True, False, False], True) == (
        [lets_in(access, one) for one in (FIRST, SECOND, BOSS)],
        access.has_tokens,
    )
    assert files.tokens() == opened(paths, kept).tokens()
    put(tmp_path, api_tokens=FIRST)
    assert ((ADMIN_FILE,), True) == (files.look().taken, lets_in(access, SECOND))


def test_nobody_has_what_takes_the_place_of_a_token() -> None:
    """Each kind has another one: none is in two of them."""
    nobody = {digest_of_nobody(kind) for kind in TokenKind}
    assert (len(TokenKind), {32}) == (len(nobody), set(map(len, nobody)))


def test_a_token_changes_sides(tmp_path: Path) -> None:
    """An administrator becomes a caller: first both files have his token, and nothing changes."""
    paths = put(tmp_path, api_tokens=FIRST, admin_tokens=f"{BOSS} {SECOND}")
    files = opened(paths)
    put(tmp_path, api_tokens=f"{FIRST} {SECOND}")
    refused = files.look()
    put(tmp_path, admin_tokens=BOSS)
    taken = files.look()
    assert ((), {API_FILE}) == (refused.taken, set(refused.problems))
    assert ({API_FILE, ADMIN_FILE}, {}) == (set(taken.taken), taken.problems)
    assert {"api_tokens": {FIRST, SECOND}, "admin_tokens": {BOSS}} == of(files.tokens())


def test_a_worker_that_begins_while_a_file_is_broken(kept: KeptMemory, tmp_path: Path) -> None:
    """It begins with what another one had in force last, and not with what was in force before."""
    paths = put(tmp_path, api_tokens=f"{FIRST} {SECOND}", admin_tokens=BOSS)
    other = opened(paths, kept)
    put(tmp_path, api_tokens=SECOND)
    other.look()
    paths[API].unlink()
    files = opened(paths, kept)
    assert ({"api_tokens": {SECOND}, "admin_tokens": {BOSS}}, {API_FILE}) == (
        of(files.tokens()),
        set(files.first_look.problems),
    )


def test_a_worker_that_was_late(kept: KeptMemory, tmp_path: Path) -> None:
    """A file was good for a moment that only another worker saw: this one follows it, and undoes nothing."""
    paths = put(tmp_path, api_tokens=f"{FIRST} {SECOND}", admin_tokens=BOSS)
    other, late = (opened(paths, kept) for _ in range(2))
    told: list[TokenDigests] = []
    late.follow(told.append)
    put(tmp_path, api_tokens=SECOND)
    other.look()
    paths[API].unlink()
    first, second = late.look(), late.look()
    other.look()
    assert ((API_FILE,), {API_FILE}, ()) == (first.taken, set(first.problems), second.taken)
    assert [{SECOND}] == [of(tokens)["api_tokens"] for tokens in told]
    assert [{SECOND}, {SECOND}] == [of(files.tokens())["api_tokens"] for files in (other, late)]


@pytest.mark.parametrize("content", [None, b"", f"{BOSS}\n".encode()])
def test_nobody_begins_without_tokens(content: bytes | None, kept: KeptMemory, tmp_path: Path) -> None:
    """Rather than with fewer kinds of them, by which somebody would be let in whom nobody asked for a token."""
    paths = put(tmp_path, api_tokens=FIRST, admin_tokens=BOSS)
    if content is None:
        paths[API].unlink()
    else:
        write(paths[API], content)
    with pytest.raises(NoTokensError, match=str(paths[API])):
        opened(paths, kept)
    assert kept.read() is None


def test_what_is_kept_of_other_files_is_nobodys(kept: KeptMemory, tmp_path: Path) -> None:
    """Settings that name other files do not begin with those of before."""
    opened(put(tmp_path, api_tokens=FIRST), kept)
    with pytest.raises(NoTokensError):
        opened({API: tmp_path / "elsewhere"}, kept)


def test_no_token_is_kept(kept: KeptMemory, tmp_path: Path) -> None:
    """Only digests, and nothing shows them."""
    files = opened(put(tmp_path, api_tokens=FIRST), kept)
    content = kept.read()
    assert content is not None
    assert FIRST.encode() not in content
    assert digest_of_entry(FIRST).hex()[:8] not in repr(files.tokens())
