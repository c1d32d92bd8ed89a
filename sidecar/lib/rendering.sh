# shellcheck shell=sh
# Writes nginx's configuration to standard output. Read by the entry point, after environment.sh has let everything pass.

tls_listen='' http2_listen='' http2_directive=''
[ -z "$tls_cert" ] || tls_listen=' ssl'
if [ "$http2" = on ]; then
    # A parameter of `listen` until nginx 1.25.0, a directive since 1.25.1.
    if newer_than 1 25 1; then http2_directive='        http2 on;'; else http2_listen=' http2'; fi
fi
tells_proxy=''
[ "$proxy_protocol" = off ] || tells_proxy=' proxy_protocol'

peers() {
    if [ -z "$trusted" ]; then
        # shellcheck disable=SC2016  # nginx's variable
        printf '    map "" $revet_stranger {\n        default "";\n    }\n'
        return
    fi
    # The peer of the connection, whatever it says about others.
    # shellcheck disable=SC2016  # nginx's variables
    printf '    geo $realip_remote_addr $revet_stranger {\n        default 1;\n'
    for cidr in $trusted; do printf '        %s "";\n' "$cidr"; done
    printf '    }\n'
    for cidr in $trusted; do printf '    set_real_ip_from %s;\n' "$cidr"; done
    if [ "$mode" = alb ]; then echo '    real_ip_header X-Forwarded-For;'; else echo '    real_ip_header proxy_protocol;'; fi
}

# How the client reached the first of us, and whom it means where it does not say so: HTTP/1.0 has no need of a Host,
# and goes on as HTTP/1.1, which has.
forwarded() {
    cat <<END
    map \$revet_client_host \$revet_host {
        default \$revet_client_host;
        "" "$app_server";
    }
END
    if [ "$mode" = alb ]; then
        cat <<'END'
    map $http_x_forwarded_proto $revet_proto {
        default $scheme;
        ~^https?$ $http_x_forwarded_proto;
    }
    map $http_x_forwarded_port $revet_port {
        default $server_port;
        "~^[0-9]+$" $http_x_forwarded_port;
    }
END
    else
        cat <<'END'
    map "" $revet_proto {
        default https;
    }
    map "" $revet_port {
        default $server_port;
    }
END
    fi
}

upstreams() {
    cat <<END
    # No host is called as these groups are. And nobody is out of them for a while after a fault (max_fails): where a name has
    # several addresses, a few clients whose requests take too long would take all of them away from everybody.
    upstream ~revet {
        server $revet_host:$revet_port max_fails=0;
        keepalive 32;
        keepalive_timeout 30s;
    }
    upstream ~application {
        server $app_server max_fails=0;
        keepalive 32;
    }
    # Where requests end that the service has not allowed in so many words: a group without a server is a 502.
    upstream ~not_allowed_by_revet {
        server 127.0.0.1:1 down;
    }
    map \$revet_may_pass \$revet_to_application {
        volatile;
        default $app_url://~not_allowed_by_revet;
        yes $app_url://~application;
    }
END
    [ -z "$grpc_url" ] || cat <<END
    upstream ~application_grpc {
        server $grpc_server max_fails=0;
        keepalive 32;
    }
    map \$revet_may_pass \$revet_to_grpc {
        volatile;
        default $grpc_url://~not_allowed_by_revet;
        yes $grpc_url://~application_grpc;
    }
    map \$http_content_type \$revet_is_grpc {
        default "";
        "~*^application/grpc(\$|[;+ ])" 1;
    }
END
}

# What nginx has to say of a request quotes all of its target. So unless faults are asked for, it speaks of connections
# and of itself alone.
silent_about_requests() {
    if [ "$error_log" = crit ]; then
        awk '{ print } /^        location .*[{]$/ { print "            error_log stderr emerg;" }'
    else
        cat
    fi
}

server_for_clients() {
    cat <<END
    server {
        listen $listen$tls_listen$http2_listen$tells_proxy;
$http2_directive
END
    [ -z "$tls_cert" ] || cat <<END
        ssl_certificate $tls_cert;
        ssl_certificate_key $tls_key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
        ssl_prefer_server_ciphers off;
        ssl_session_cache shared:revet_tls:8m;
        ssl_session_timeout 10m;
        ssl_session_tickets on;
        # One with TLS 1.3, not two: each has the client's certificate in it, and takes a seventh of a handshake's time.
        ssl_conf_command NumTickets 1;
        ssl_early_data off;
END
    [ "$mode" = alb ] || cat <<'END'
        # The handshake proves that the client has the key. Whether anybody vouches for it, the service says.
        ssl_verify_client optional_no_ca;
        ssl_verify_depth 100;
END
    cat "$here/conf/answers.conf"
    location_that_asks
    locations_of_the_application
    echo '    }'
}

server_for_probes() {
    split_url "${ready_url:-$revet_url}" http https
    at='~revet' path=$url_path/readyz
    [ -z "$ready_url" ] || at=$url_host:$url_port path=$url_path
    probe=' proxy_protocol'
    [ "$health_proxy_protocol" = on ] || probe=''
    cat <<END
    server {
        listen $health_listen$probe;
        access_log off;
        error_log stderr error; # nothing of a client's passes here
        location = /healthz {
            return 200 '{"status":"ok"}\n';
        }
        location = /readyz {
            proxy_pass $url_scheme://$at$path;
            proxy_http_version 1.1;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_pass_request_headers off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header Host $url_host:$url_port;
END
    times_of_revet
    [ "$url_scheme" = http ] || tls_to_revet "$([ -n "$ready_url" ] && echo "$url_name" || echo "$name_of_revet")"
    cat <<'END'
            proxy_intercept_errors on;
            error_page 300 301 302 303 304 307 308 400 401 403 404 405 429 500 502 503 504 = @unready;
        }
        location @unready {
            return 503 '{"status":"unready"}\n';
        }
        location / {
            return 404 '{"code":"not_found"}\n';
        }
    }
END
}

render() {
    [ "$(id -u)" -ne 0 ] || echo 'user nobody nogroup;'
    cat <<END
daemon off;
worker_processes $workers;
worker_shutdown_timeout 30s;
pid $work/nginx.pid;
error_log stderr $error_log;
events {
    worker_connections 4096;
}
http {
    client_body_temp_path $work/temp/body;
    proxy_temp_path $work/temp/proxy;
    fastcgi_temp_path $work/temp/fastcgi;
    uwsgi_temp_path $work/temp/uwsgi;
    scgi_temp_path $work/temp/scgi;
    types {
    }
    default_type application/json;
    server_tokens off;
    tcp_nodelay on;
    # A request's path arrives as it was sent.
    merge_slashes off;
    # A header that some server could take for another one does not arrive at all.
    underscores_in_headers off;
    ignore_invalid_headers on;
    # 64 KiB of headers in lines of 16 KiB (what an ALB passes on) fit, and all of it into what the service reads.
    large_client_header_buffers 4 28k;
    client_max_body_size 0;
    client_header_timeout 30s;
    client_body_timeout ${upstream_timeout_s}s;
    send_timeout ${upstream_timeout_s}s;
    keepalive_timeout 75s;
    proxy_headers_hash_max_size 2048;
    proxy_headers_hash_bucket_size 128;
    variables_hash_max_size 2048;
    map_hash_bucket_size 128;
    recursive_error_pages on;
END
    cat "$here/conf/verdict.conf"
    forwarded
    peers
    cache_zone
    upstreams
    echo '    access_log /dev/stdout revet;'
    server_for_clients | silent_about_requests
    server_for_probes
    echo '}'
}
