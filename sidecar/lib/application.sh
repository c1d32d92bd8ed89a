# shellcheck shell=sh
# The part of nginx's configuration that speaks to the application. Read by the entry point.

removed_headers() {
    grep -v '^#' "$here/conf/removed-headers"
    printf '%s\n' "$cert_header"
    for name in $removed; do printf '%s\n' "$name"; done
}

# The headers that the application receives besides the client's own, with those of the client taken away.
# proxy or grpc says whose directives they are.
headers_for_the_application() {
    removed_headers | awk -v kind="$1" '
        BEGIN {
            set["x-revet-subject"] = set["x-revet-serial"] = set["x-revet-fingerprint"] = 1
            set["x-revet-decision-id"] = set["x-revet-code"] = set["x-revet-valid-until"] = 1
        }
        { name = tolower($0) }
        name == "" || seen[name]++ { next }
        {
            variable = name
            sub(/^x-/, "", variable)
            gsub(/-/, "_", variable)
            printf "            %s_set_header %s %s;\n", kind, $0, (name in set) ? "$" variable : "\"\""
        }'
    cat <<END
            ${1}_set_header Host \$revet_host;
            ${1}_set_header X-Real-IP \$remote_addr;
            ${1}_set_header X-Forwarded-For \$remote_addr;
            ${1}_set_header X-Forwarded-Host \$revet_client_host;
            ${1}_set_header X-Forwarded-Proto \$revet_proto;
            ${1}_set_header X-Forwarded-Port \$revet_port;
            ${1}_set_header Forwarded "";
            ${1}_set_header Proxy "";
END
}

tls_to_the_application() { # proxy or grpc, NAME
    cat <<END
            ${1}_ssl_verify on;
            ${1}_ssl_verify_depth 9;
            ${1}_ssl_trusted_certificate $upstream_ca_bundle;
            ${1}_ssl_server_name on;
            ${1}_ssl_name ${upstream_name:-$2};
            ${1}_ssl_protocols TLSv1.2 TLSv1.3;
END
}

at_most() { # NUMBER NUMBER: the lesser
    if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi
}

locations_of_the_application() {
    echo '        location / {'
    # shellcheck disable=SC2016  # nginx's variables
    if [ "$mode" = alb ]; then
        echo '            if ($revet_stranger) { return 461; }'
    else
        echo '            if ($revet_stranger) { return 462; }'
        echo '            if ($ssl_client_verify = NONE) { return 461; }'
    fi
    # shellcheck disable=SC2016  # nginx's variables
    [ -z "$grpc_url" ] || echo '            if ($revet_is_grpc) { return 463; }'
    cat "$here/conf/ask.conf"
    cat <<END
            proxy_pass \$revet_to_application;
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$revet_upgrade;
            proxy_set_header Connection \$revet_connection;
END
    headers_for_the_application proxy
    cat <<END
            proxy_connect_timeout $(at_most 5 "$upstream_timeout_s")s;
            proxy_send_timeout ${upstream_timeout_s}s;
            proxy_read_timeout ${upstream_timeout_s}s;
            proxy_next_upstream error;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_buffer_size 64k;
            proxy_buffers 4 64k;
            proxy_pass_header Date;
            proxy_pass_header Server;
            proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
END
    [ "$app_url" = http ] || tls_to_the_application proxy "$app_name"
    echo '        }'
    [ -n "$grpc_url" ] || return 0
    cat <<'END'
        error_page 463 = @grpc;
        location @grpc {
END
    cat "$here/conf/ask.conf"
    # shellcheck disable=SC2016  # nginx's variable
    echo '            grpc_pass $revet_to_grpc;'
    headers_for_the_application grpc
    cat <<END
            grpc_connect_timeout $(at_most 5 "$upstream_timeout_s")s;
            grpc_send_timeout ${upstream_timeout_s}s;
            grpc_read_timeout ${upstream_timeout_s}s;
            grpc_next_upstream error;
            grpc_buffer_size 64k;
            grpc_pass_header Date;
            grpc_pass_header Server;
            grpc_ignore_headers X-Accel-Redirect X-Accel-Charset;
END
    [ "$grpc_url" = grpc ] || tls_to_the_application grpc "$grpc_name"
    echo '        }'
}
