# shellcheck shell=sh
# What values of the environment may be, and how they are refused. Read by the entry point; does nothing on its own.

# --- refusals --------------------------------------------------------------------------------------------------------

faults=0

refuse() { # NAME REASON
    printf 'revet-sidecar: %s: %s\n' "$1" "$2" >&2
    faults=$((faults + 1))
}

note() { # NAME TEXT: what may be wrong, and does not stop the start
    printf 'revet-sidecar: %s: %s\n' "$1" "$2" >&2
}

stop_if_refused() {
    [ "$faults" -eq 0 ] || exit "$EX_CONFIG"
}

# --- what values may be ----------------------------------------------------------------------------------------------

only() { # TEXT CHARACTERS: there is text, and of these characters
    # shellcheck disable=SC2254  # the characters are a pattern
    case $1 in '' | *[!$2]*) return 1 ;; esac
}

is_number() { # TEXT LEAST MOST
    only "$1" 0-9 || return 1
    case $1 in 0?* | ???????*) return 1 ;; esac
    [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

is_ipv4() {
    only "$1" 0-9. || return 1
    case $1 in .* | *. | *..*) return 1 ;; esac
    rest=$1.
    count=0
    while [ -n "$rest" ]; do
        is_number "${rest%%.*}" 0 255 || return 1
        rest=${rest#*.}
        count=$((count + 1))
    done
    [ "$count" -eq 4 ]
}

is_ipv6() { # as far as it could do harm; nginx reads it again
    only "$1" 0-9a-fA-F:. || return 1
    case $1 in *:*:*) [ "${#1}" -le 45 ] ;; *) return 1 ;; esac
}

is_host_name() {
    only "$1" A-Za-z0-9._- || return 1
    case $1 in [.-]* | *..*) return 1 ;; esac
    [ "${#1}" -le 253 ]
}

is_cidr() { # an address alone is one too
    case $1 in
        */*) address=${1%/*} bits=${1##*/} ;;
        *:*) address=$1 bits=128 ;;
        *) address=$1 bits=32 ;;
    esac
    # A length of 0 would be everybody.
    if is_ipv4 "$address"; then is_number "$bits" 1 32; else is_ipv6 "$address" && is_number "$bits" 1 128; fi
}

is_listen() { # ADDRESS:PORT
    case $1 in *:*) ;; *) return 1 ;; esac
    is_number "${1##*:}" 1 65535 || return 1
    address=${1%:*}
    case $address in
        '[::]') return 0 ;;
        \[*\]) address=${address#\[} && is_ipv6 "${address%\]}" ;;
        *) is_ipv4 "$address" ;;
    esac
}

is_path() {
    only "$1" 'A-Za-z0-9._/@+,=-' || return 1
    case $1 in /*) ;; *) return 1 ;; esac
}

# The name of a header that may be taken away: not one that HTTP itself needs, or that is set here.
is_header_name() {
    only "$1" 'A-Za-z0-9-' && [ "${#1}" -le 64 ] || return 1
    case $(printf '%s' "$1" | tr A-Z a-z) in
        -* | *- | host | connection | content-length | content-type | transfer-encoding | upgrade | te | trailer | expect | keep-alive) return 1 ;;
        proxy | forwarded | x-forwarded-for | x-forwarded-host | x-forwarded-port | x-forwarded-proto | x-real-ip | x-revet-*) return 1 ;;
    esac
}

# Splits SCHEME://HOST[:PORT][/PATH] into url_scheme, url_host, url_port, url_path; without brackets in url_host's name
# where it is compared with a certificate (url_name).
split_url() { # URL SCHEMES…
    url=$1
    shift
    url_scheme=${url%%://*}
    known=no
    for scheme in "$@"; do [ "$scheme" != "$url_scheme" ] || known=yes; done
    [ "$known" = yes ] && [ "$url" != "$url_scheme" ] || return 1
    rest=${url#*://}
    url_path=
    case $rest in */*) url_path=/${rest#*/} rest=${rest%%/*} ;; esac
    case $rest in *:) return 1 ;; esac
    case $rest in
        \[*\]:*) url_host=${rest%:*} url_port=${rest##*:} ;;
        \[*\]) url_host=$rest url_port= ;;
        *:*) url_host=${rest%:*} url_port=${rest##*:} ;;
        *) url_host=$rest url_port= ;;
    esac
    case $url_scheme in https | grpcs) : "${url_port:=443}" ;; *) : "${url_port:=80}" ;; esac
    is_number "$url_port" 1 65535 || return 1
    case $url_host in
        \[*\]) url_name=${url_host#\[} url_name=${url_name%\]} && is_ipv6 "$url_name" || return 1 ;;
        *) url_name=$url_host && is_host_name "$url_name" || return 1 ;;
    esac
    url_path=${url_path%/}
    [ -z "$url_path" ] || only "$url_path" 'A-Za-z0-9._~/-' || return 1
    case $url_path/ in *//* | */./* | */../*) return 1 ;; esac
}

need_file() { # NAME PATH
    [ -n "$2" ] || return 0
    if ! is_path "$2"; then
        refuse "$1" "not an absolute path of letters, digits and ._/@+,=-"
    elif [ ! -f "$2" ] || [ ! -r "$2" ]; then
        refuse "$1" "there is no such file, or it cannot be read"
    elif [ ! -s "$2" ]; then
        refuse "$1" "the file is empty"
    fi
}

# OpenSSL would ask for it at a terminal, and nobody is there. The first key of the file counts, in either of its forms:
# PKCS #8's, and RFC 1421's header.
without_passphrase() { # NAME PATH
    [ -f "$2" ] && [ -r "$2" ] || return 0 # there is none, or it has been refused
    if awk '
        /^-----BEGIN .*PRIVATE KEY-----/ { key = 1 }
        key && /^(-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type:.*ENCRYPTED)/ { found = 1 }
        key && (found || /^-----END /) { exit !found }
        END { exit !found }' <"$2"; then
        refuse "$1" "the key has a passphrase, which nobody is there to type: give it without one"
    fi
}

# The name that a certificate has to have where nobody has said another one. nginx compares DNS names and common names,
# never the IP addresses of a certificate; and of an IPv6 address nothing, since a name ends for it at the first colon.
name_can_match() { # SETTING NAME WHAT-TO-GIVE
    if is_ipv6 "$2"; then
        refuse "$1" "has an IP address, which nginx does not look for in a certificate: $3"
    elif is_ipv4 "$2"; then
        note "$1" "has an IP address, which nginx looks for among a certificate's DNS names only (or as its common name). If it is an IP address there: $3"
    fi
}

need_choice() { # NAME VALUE CHOICES…
    name=$1 value=$2
    shift 2
    for choice in "$@"; do [ "$choice" != "$value" ] || return 0; done
    refuse "$name" "not one of: $*"
}

need_number() { # NAME VALUE LEAST MOST
    is_number "$2" "$3" "$4" || refuse "$1" "not a number from $3 to $4"
}

needs() { # NAME VALUE REASON
    [ -n "$2" ] || refuse "$1" "is missing: $3"
}

without() { # NAME VALUE REASON
    [ -z "$2" ] || refuse "$1" "$3"
}
