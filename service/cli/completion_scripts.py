"""Scripts that complete, for each shell: the same walk along the words that are there, in each language.

Each walks from word to word as long as a word is the name of what stands below, and comes so to a command; then it
offers the values of the option before, that command's options, or what stands below, and files where files may stand.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from service.cli.completion_tree import Branch, Option

_BASH_BEGIN: Final = r"""# Completion of revet for bash: source <(revet completion bash)
_revet() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path= at
    COMPREPLY=()
    if [[ $before == "=" ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
    if [[ $word == "=" ]]; then before=${COMP_WORDS[COMP_CWORD-1]} word=; fi
    for (( at = 1; at < COMP_CWORD; at++ )); do
        case "$path ${COMP_WORDS[at]}" in
"""
_BASH_VALUES: Final = r""") path="$path/${COMP_WORDS[at]}" ;;
        esac
    done
    case "$path $before" in
"""
_BASH_OPTIONS: Final = r"""    esac
    if [[ $word == -* ]]; then
        case "$path" in
"""
_BASH_WORDS: Final = r"""        esac
        return
    fi
    case "$path" in
"""
_BASH_END: Final = """    esac
}
_revet_offers() {
    if type compopt >/dev/null 2>&1; then compopt +o default +o bashdefault; fi
    COMPREPLY=( $(compgen -W "$1" -- "$2") )
}
complete -o bashdefault -o default -F _revet revet
"""
"""Where nothing is offered and `default` is still in force, readline offers files, and quotes what has to be."""

_ZSH_BEGIN: Final = """# Completion of revet for zsh: source <(revet completion zsh)
if ! type compdef >/dev/null 2>&1; then autoload -Uz compinit && compinit; fi
autoload -Uz bashcompinit && bashcompinit
"""

_FISH_BEGIN: Final = """# Completion of revet for fish: revet completion fish | source
function __revet_at
    set -l path
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case """
_FISH_PATH: Final = """
                set path "$path/$word"
        end
    end
    test "$path" = "$argv[1]"
end
complete -c revet -f
"""


def bash_script(branches: Sequence[Branch]) -> str:
    """For bash 4 and later."""
    known = "|".join(f'"{one.path} {word}"' for one in branches for word in _below(branches, one))
    return "".join(
        (
            _BASH_BEGIN,
            f"            {known}",
            _BASH_VALUES,
            *(_bash_value(branch, option) for branch in branches for option in branch.options if option.takes_value),
            _BASH_OPTIONS,
            *(f'            "{one.path}") _revet_offers "{_names(one.options)}" "$word" ;;\n' for one in branches),
            _BASH_WORDS,
            *(
                f'        "{one.path}") _revet_offers "{" ".join(one.words)}" "$word" ;;\n'
                for one in branches
                if not one.takes_files
            ),
            _BASH_END,
        )
    )


def zsh_script(branches: Sequence[Branch]) -> str:
    """For zsh, which understands what is said to bash."""
    return _ZSH_BEGIN + bash_script(branches)


def fish_script(branches: Sequence[Branch]) -> str:
    """For fish, with what each word means."""
    known = " ".join(f"'{one.path} {word}'" for one in branches for word in _below(branches, one))
    help_of = {one.path: one.help for one in branches}
    lines = [f"{_FISH_BEGIN}{known}{_FISH_PATH}"]
    for branch in branches:
        at = f"complete -c revet -n '__revet_at {branch.path or _quoted('')}'"
        helped = ((word, _quoted(help_of.get(f"{branch.path}/{word}", ""))) for word in branch.words)
        lines.extend(f"{at} -a {word} -d {help_}\n" for word, help_ in helped)
        if branch.takes_files:
            lines.append(f"{at} -F\n")
        lines.extend(f"{at} {_fish_option(option)} -d {_quoted(option.help)}\n" for option in branch.options)
    return "".join(lines)


def _below(branches: Iterable[Branch], branch: Branch) -> list[str]:
    """The names of what stands below a branch; words that an argument may be are none."""
    paths = {one.path for one in branches}
    return [word for word in branch.words if f"{branch.path}/{word}" in paths]


def _names(options: Iterable[Option]) -> str:
    return " ".join(name for option in options for name in option.names)


def _bash_value(branch: Branch, option: Option) -> str:
    """What may follow an option: its choices, files, or nothing that is known."""
    names = "|".join(f'"{branch.path} {name}"' for name in option.names)
    offers = "return" if option.is_file else f'_revet_offers "{" ".join(option.choices)}" "$word"; return'
    return f"        {names}) {offers} ;;\n"


def _fish_option(option: Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    if not option.takes_value:
        return names
    if option.is_file:
        return f"{names} -r -F"
    return f"{names} -x" + (f" -a {_quoted(' '.join(option.choices))}" if option.choices else "")


def _quoted(text: str) -> str:
    """A word for fish, where single quotes leave but these two alone."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
