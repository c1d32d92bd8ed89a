# shellcheck shell=sh
# Reads the environment and refuses what is wrong with it, all at once. Read by the entry point, after values.sh.

KNOWN="MODE LISTEN HEALTH_LISTEN HEALTH_PROXY_PROTOCOL UPSTREAM UPSTREAM_CA_BUNDLE UPSTREAM_NAME UPSTREAM_TIMEOUT_S GRPC_UPSTREAM
TLS_CERT TLS_KEY TRUSTED_PROXIES ALB_HEADER CERT_HEADER REMOVE_HEADERS PROXY_PROTOCOL HTTP2 CACHE_S WORKERS RUN_DIR
READY_URL REVET_NAME ERROR_LOG"

for name in $(awk 'BEGIN { for (name in ENVIRON) if (name ~ /^REVET_SIDECAR_/) { gsub(/[^A-Za-z0-9_]/, "?", name); print name } }'); do
    known=no
    for one in $KNOWN; do [ "REVET_SIDECAR_$one" != "$name" ] || known=yes; done
    [ "$known" = yes ] || refuse "$name" "there is no such setting"
done

mode=${REVET_SIDECAR_MODE:-}
case $mode in
    alb) default_port=8080 default_http2=off ;;
    nlb) default_port=8443 default_http2=on ;;
    *)
        refuse REVET_SIDECAR_MODE "neither alb nor nlb"
        exit "$EX_CONFIG"
        ;;
esac
listen=${REVET_SIDECAR_LISTEN:-0.0.0.0:$default_port}
health_listen=${REVET_SIDECAR_HEALTH_LISTEN:-0.0.0.0:8081}
health_proxy_protocol=${REVET_SIDECAR_HEALTH_PROXY_PROTOCOL:-off}
revet_url=${REVET_URL:-}
token=${REVET_TOKEN:-}
token_file=${REVET_TOKEN_FILE:-}
ca_bundle=${REVET_CA_BUNDLE:-}
client_cert=${REVET_CLIENT_CERT:-}
client_key=${REVET_CLIENT_KEY:-}
revet_name=${REVET_SIDECAR_REVET_NAME:-}
timeout_ms=${REVET_TIMEOUT_MS:-800}
trust_store=${REVET_TRUST_STORE:-}
upstream=${REVET_SIDECAR_UPSTREAM:-}
upstream_ca_bundle=${REVET_SIDECAR_UPSTREAM_CA_BUNDLE:-}
upstream_name=${REVET_SIDECAR_UPSTREAM_NAME:-}
upstream_timeout_s=${REVET_SIDECAR_UPSTREAM_TIMEOUT_S:-60}
grpc_upstream=${REVET_SIDECAR_GRPC_UPSTREAM:-}
tls_cert=${REVET_SIDECAR_TLS_CERT:-}
tls_key=${REVET_SIDECAR_TLS_KEY:-}
trusted_proxies=${REVET_SIDECAR_TRUSTED_PROXIES:-}
alb_header=${REVET_SIDECAR_ALB_HEADER:-}
cert_header=${REVET_SIDECAR_CERT_HEADER:-}
remove_headers=${REVET_SIDECAR_REMOVE_HEADERS:-}
proxy_protocol=${REVET_SIDECAR_PROXY_PROTOCOL:-off}
http2=${REVET_SIDECAR_HTTP2:-$default_http2}
cache_s=${REVET_SIDECAR_CACHE_S:-0}
workers=${REVET_SIDECAR_WORKERS:-auto}
run_dir=${REVET_SIDECAR_RUN_DIR:-/run/revet-sidecar}
ready_url=${REVET_SIDECAR_READY_URL:-}
error_log=${REVET_SIDECAR_ERROR_LOG:-crit}
unset REVET_TOKEN # nobody reads it in nginx's environment

version=$(nginx -v 2>&1) || {
    refuse nginx "cannot be run"
    exit "$EX_CONFIG"
}
version=${version##*nginx/}
version=${version%%[!0-9.]*}
newer_than() { # MAJOR MINOR PATCH: nginx is that or newer
    major=${version%%.*} minor=${version#*.} patch=${version##*.}
    minor=${minor%%.*}
    [ $((major * 1000000 + minor * 1000 + patch)) -ge $(($1 * 1000000 + $2 * 1000 + $3)) ]
}
only "$version" 0-9. || {
    refuse nginx "does not say which version it is"
    exit "$EX_CONFIG"
}

is_listen "$listen" || refuse REVET_SIDECAR_LISTEN "not ADDRESS:PORT"
is_listen "$health_listen" || refuse REVET_SIDECAR_HEALTH_LISTEN "not ADDRESS:PORT"
[ "$listen" != "$health_listen" ] || refuse REVET_SIDECAR_HEALTH_LISTEN "the same as REVET_SIDECAR_LISTEN"
need_choice REVET_SIDECAR_PROXY_PROTOCOL "$proxy_protocol" on off
need_choice REVET_SIDECAR_HEALTH_PROXY_PROTOCOL "$health_proxy_protocol" on off
need_choice REVET_SIDECAR_HTTP2 "$http2" on off
need_choice REVET_SIDECAR_ERROR_LOG "$error_log" crit error warn
need_number REVET_TIMEOUT_MS "$timeout_ms" 50 30000
need_number REVET_SIDECAR_UPSTREAM_TIMEOUT_S "$upstream_timeout_s" 1 86400
need_number REVET_SIDECAR_CACHE_S "$cache_s" 0 60
[ "$workers" = auto ] || need_number REVET_SIDECAR_WORKERS "$workers" 1 64

# --- Revet

revet_scheme=http revet_host='' revet_port='' revet_path='' name_of_revet=''
if split_url "$revet_url" http https; then
    revet_scheme=$url_scheme revet_host=$url_host revet_port=$url_port revet_path=$url_path name_of_revet=$url_name
else
    refuse REVET_URL "not http:// or https:// with a host, perhaps a port and a path, and nothing else"
fi
[ -z "$revet_name" ] || is_host_name "$revet_name" || refuse REVET_SIDECAR_REVET_NAME "not a host name"
[ "$revet_scheme" = http ] || [ -n "$revet_name" ] ||
    name_can_match REVET_URL "$name_of_revet" "set REVET_SIDECAR_REVET_NAME to a DNS name that is in it"
name_of_revet=${revet_name:-$name_of_revet}
if [ -n "$ready_url" ]; then
    if ! split_url "$ready_url" http https; then
        refuse REVET_SIDECAR_READY_URL "not http:// or https:// with a host, perhaps a port and a path, and nothing else"
    elif [ "$url_scheme" = https ]; then
        name_can_match REVET_SIDECAR_READY_URL "$url_name" "put a DNS name that is in it here, in place of the address"
    fi
fi
if [ -n "$token_file" ]; then
    without REVET_TOKEN "$token" "given as well as REVET_TOKEN_FILE: which of them?"
    before=$faults
    need_file REVET_TOKEN_FILE "$token_file"
    [ "$faults" -ne "$before" ] || token=$(cat -- "$token_file")
    [ "$faults" -ne "$before" ] || only "$token" 'A-Za-z0-9._~+/=-' ||
        refuse REVET_TOKEN_FILE "not one line with one token (letters, digits and ._~+/=-)"
elif [ -n "$token" ]; then
    only "$token" 'A-Za-z0-9._~+/=-' || refuse REVET_TOKEN "not a token (letters, digits and ._~+/=-)"
fi
# nginx reads no longer words.
[ "${#token}" -le 4000 ] || refuse "REVET_TOKEN${token_file:+_FILE}" "longer than 4,000 characters"
need_file REVET_CLIENT_CERT "$client_cert"
need_file REVET_CLIENT_KEY "$client_key"
without_passphrase REVET_CLIENT_KEY "$client_key"
[ -z "$client_cert" ] || needs REVET_CLIENT_KEY "$client_key" "REVET_CLIENT_CERT is given"
[ -z "$client_key" ] || needs REVET_CLIENT_CERT "$client_cert" "REVET_CLIENT_KEY is given"
if [ "$revet_scheme" = http ] && [ "${ready_url%%:*}" != https ]; then
    without REVET_CA_BUNDLE "$ca_bundle" "REVET_URL is http: nothing would be checked against it"
    without REVET_CLIENT_CERT "$client_cert" "REVET_URL is http: nobody would see it"
    without REVET_SIDECAR_REVET_NAME "$revet_name" "REVET_URL is http: nothing would be checked against it"
else
    ca_bundle=${ca_bundle:-/etc/ssl/certs/ca-certificates.crt}
    need_file REVET_CA_BUNDLE "$ca_bundle"
fi
case $trust_store in
    '') ;;
    [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) refuse REVET_TRUST_STORE "not the name of a trust store (letters, digits and ._-)" ;;
    *) [ "${#trust_store}" -le 64 ] || refuse REVET_TRUST_STORE "longer than 64 characters" ;;
esac

# --- the application

app_url='' app_tls=no grpc_url='' app_name='' grpc_name=''
if split_url "$upstream" http https && [ -z "$url_path" ]; then
    app_url=$url_scheme app_server=$url_host:$url_port app_name=$url_name
    [ "$url_scheme" = http ] || app_tls=yes
else
    refuse REVET_SIDECAR_UPSTREAM "not http:// or https:// with a host, perhaps a port, and nothing else"
fi
if [ -n "$grpc_upstream" ]; then
    if split_url "$grpc_upstream" grpc grpcs && [ -z "$url_path" ]; then
        grpc_url=$url_scheme grpc_server=$url_host:$url_port grpc_name=$url_name
        [ "$url_scheme" = grpc ] || app_tls=yes
    else
        refuse REVET_SIDECAR_GRPC_UPSTREAM "not grpc:// or grpcs:// with a host, perhaps a port, and nothing else"
    fi
fi
if [ "$app_tls" = yes ]; then
    upstream_ca_bundle=${upstream_ca_bundle:-/etc/ssl/certs/ca-certificates.crt}
    need_file REVET_SIDECAR_UPSTREAM_CA_BUNDLE "$upstream_ca_bundle"
    [ -z "$upstream_name" ] || is_host_name "$upstream_name" || refuse REVET_SIDECAR_UPSTREAM_NAME "not a host name"
    if [ -z "$upstream_name" ]; then
        as="set REVET_SIDECAR_UPSTREAM_NAME to a DNS name that is in it"
        [ "$app_url" != https ] || name_can_match REVET_SIDECAR_UPSTREAM "$app_name" "$as"
        [ "$grpc_url" != grpcs ] || name_can_match REVET_SIDECAR_GRPC_UPSTREAM "$grpc_name" "$as"
    fi
else
    without REVET_SIDECAR_UPSTREAM_CA_BUNDLE "$upstream_ca_bundle" "the application is spoken to without TLS: nothing would be checked against it"
    without REVET_SIDECAR_UPSTREAM_NAME "$upstream_name" "the application is spoken to without TLS: nothing would be checked against it"
fi
removed=''
if [ -z "$remove_headers" ] || only "$remove_headers" 'A-Za-z0-9, -'; then removed=$(printf '%s' "$remove_headers" | tr ',' ' '); else removed=?; fi
for name in $removed; do
    is_header_name "$name" && continue
    refuse REVET_SIDECAR_REMOVE_HEADERS "not names of headers (letters, digits and -) with commas in between, or one that the sidecar sets itself"
    break
done

# --- the mode

need_file REVET_SIDECAR_TLS_CERT "$tls_cert"
need_file REVET_SIDECAR_TLS_KEY "$tls_key"
without_passphrase REVET_SIDECAR_TLS_KEY "$tls_key"
trusted=''
if [ -z "$trusted_proxies" ] || only "$trusted_proxies" '0-9a-fA-F:./, '; then trusted=$(printf '%s' "$trusted_proxies" | tr ',' ' '); else trusted=?; fi
for cidr in $trusted; do
    is_cidr "$cidr" && continue
    refuse REVET_SIDECAR_TRUSTED_PROXIES "not addresses or networks (10.0.0.0/16, fd00::/8) with commas in between, or one that is everybody"
    break
done
if [ "$mode" = nlb ]; then
    needs REVET_SIDECAR_TLS_CERT "$tls_cert" "in nlb mode TLS ends here"
    needs REVET_SIDECAR_TLS_KEY "$tls_key" "in nlb mode TLS ends here"
    without REVET_SIDECAR_ALB_HEADER "$alb_header" "there is no such header in nlb mode"
    if [ "$proxy_protocol" = on ]; then
        needs REVET_SIDECAR_TRUSTED_PROXIES "$trusted" "anybody could say in a PROXY header who he is"
    else
        without REVET_SIDECAR_TRUSTED_PROXIES "$trusted" "nothing is taken from a proxy in nlb mode without REVET_SIDECAR_PROXY_PROTOCOL=on"
    fi
    front=nginx
    cert_header=${cert_header:-X-SSL-Client-Cert}
else
    [ -z "$tls_cert" ] || needs REVET_SIDECAR_TLS_KEY "$tls_key" "REVET_SIDECAR_TLS_CERT is given"
    [ -z "$tls_key" ] || needs REVET_SIDECAR_TLS_CERT "$tls_cert" "REVET_SIDECAR_TLS_KEY is given"
    needs REVET_SIDECAR_TRUSTED_PROXIES "$trusted" "anybody could send the load balancer's headers"
    need_choice REVET_SIDECAR_ALB_HEADER "$alb_header" passthrough verify
    [ "$proxy_protocol" = off ] || refuse REVET_SIDECAR_PROXY_PROTOCOL "an Application Load Balancer does not speak it"
    if [ "$cache_s" != 0 ] && ! newer_than 1 23 0; then
        refuse REVET_SIDECAR_CACHE_S "needs nginx 1.23 or newer in alb mode: this one sees only the first of several headers, and would keep the answer to it for all of them"
    fi
    front=alb-$alb_header
    case $alb_header in
        passthrough) cert_header=${cert_header:-X-Amzn-Mtls-Clientcert} ;;
        *) cert_header=${cert_header:-X-Amzn-Mtls-Clientcert-Leaf} ;;
    esac
fi
is_header_name "$cert_header" || refuse REVET_SIDECAR_CERT_HEADER "not the name of a header (letters, digits and -), or one that the sidecar sets itself"

# --- where files go

is_path "$run_dir" || refuse REVET_SIDECAR_RUN_DIR "not an absolute path of letters, digits and ._/@+,=-"
case $run_dir/ in // | *//* | */../* | */./*) refuse REVET_SIDECAR_RUN_DIR "the root directory, or with . or .. or // in it" ;; esac
work=${run_dir%/}/nginx
