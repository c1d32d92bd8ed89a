# shellcheck shell=sh
# The part of nginx's configuration that asks Revet, and keeps answers. Read by the entry point.

tls_to_revet() {
    cat <<END
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 9;
            proxy_ssl_trusted_certificate $ca_bundle;
            proxy_ssl_server_name on;
            proxy_ssl_name $1;
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
END
    [ -z "$client_cert" ] || cat <<END
            proxy_ssl_certificate $client_cert;
            proxy_ssl_certificate_key $client_key;
END
}

times_of_revet() {
    # Half of it for connecting: an address that is silent leaves time for another one.
    cat <<END
            proxy_connect_timeout $((timeout_ms / 2))ms;
            proxy_send_timeout ${timeout_ms}ms;
            proxy_read_timeout ${timeout_ms}ms;
            proxy_next_upstream_timeout ${timeout_ms}ms;
            proxy_next_upstream_tries 2;
END
}

cache_zone() {
    [ "$cache_s" != 0 ] || return 0
    if [ "$mode" = nlb ]; then
        # shellcheck disable=SC2016  # nginx's variable
        key='$ssl_client_escaped_cert'
    else
        key=\$http_$(printf '%s' "$cert_header" | tr 'A-Z-' 'a-z_')
    fi
    cat <<END
    proxy_cache_path $work/cache keys_zone=revet:8m max_size=64m inactive=${cache_s}s use_temp_path=off;
    # nginx writes two octets for where a kept answer's headers end: what could come near is not kept.
    map $key \$revet_not_kept {
        default "";
        "" 1;
        "~^.{12001}" 1;
    }
    # nginx counts from when an answer has arrived, the service from when it was given. So what took a second on its way is
    # not kept, and the service takes that second off.
    map \$upstream_header_time \$revet_late {
        volatile;
        default 1;
        "~^0\.[0-9]+\$" "";
    }
    map "\$status \$upstream_http_x_revet_decision" \$revet_not_an_answer {
        volatile;
        default 1;
        "~^200 allow\$" "";
        "~^403 deny\$" "";
    }
END
}

cache_use() {
    [ "$cache_s" != 0 ] || return 0
    cat <<END
            proxy_set_header X-Revet-Max-Age $cache_s;
            proxy_cache revet;
            proxy_cache_key $key;
            proxy_cache_bypass \$revet_not_kept;
            proxy_no_cache \$revet_not_kept \$revet_late \$revet_not_an_answer;
            proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
            proxy_cache_lock on;
            proxy_cache_lock_timeout ${timeout_ms}ms;
            proxy_cache_lock_age ${timeout_ms}ms;
            proxy_cache_use_stale off;
            proxy_cache_background_update off;
END
}

location_that_asks() {
    cat <<END
        # No path of a request: those begin with a slash.
        location = revet:ask {
            internal;
            auth_request off;
            proxy_pass $revet_scheme://~revet$revet_path/v1/authorize/$front${trust_store:+@$trust_store};
            proxy_http_version 1.1;
            # The answer's headers say it all, and nginx does not keep a connection whose body it has not read.
            proxy_method HEAD;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header Host $revet_host:$revet_port;
END
    if [ "$mode" = nlb ]; then
        cat <<END
            proxy_pass_request_headers off;
            proxy_set_header $cert_header \$ssl_client_escaped_cert;
END
    else
        cat <<'END'
            # As they came: the service sees a header that is there twice, and refuses it.
            proxy_set_header Authorization "";
            proxy_set_header Cookie "";
END
        [ "$cache_s" != 0 ] || echo '            proxy_set_header X-Revet-Max-Age "";'
    fi
    # shellcheck disable=SC2016  # nginx's variables
    if [ -n "$token" ]; then
        printf '            include %s;\n' "$work/token.conf"
    else
        printf '            proxy_set_header X-Revet-Token "";\n'
    fi
    cache_use
    times_of_revet
    [ "$revet_scheme" = http ] || tls_to_revet "$name_of_revet"
    cat <<'END'
            # 16 KiB of a name, each octet of it percent-encoded, and the rest.
            proxy_buffer_size 96k;
            proxy_buffers 4 96k;
            # As a 403, since nginx would hand the service's WWW-Authenticate on to the client with a 401.
            proxy_intercept_errors on;
            error_page 401 = /.revet-sidecar/refused;
            recursive_error_pages off; # and no page for that 403
        }
        location = /.revet-sidecar/refused {
            internal;
            auth_request off;
            return 403;
        }
END
}
