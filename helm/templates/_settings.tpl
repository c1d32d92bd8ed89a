{{/*
The TOML files: settings of the values, and what the chart sets itself. Helm has one kind of number, so that 2 is written 2.0; the service takes a
whole number for what it is.
*/}}

{{/*
What the chart sets itself, and refuses in `settings`. As a list in JSON.
*/}}
{{- define "revet.ownSettings" -}}
{{- list "host" "port" "management_host" "management_port" "data_dir"
  "trust_store" "trust_store_dir"
  "api_tokens" "api_tokens_file" "admin_tokens" "admin_tokens_file" "shadow_tokens" "shadow_tokens_file"
  "tls_cert" "tls_key" "tls_client_ca"
  "fleet_key" "fleet_key_file" "redis_url" "redis_url_file" "redis_ca_bundle" "redis_client_cert" "redis_client_key"
  | toJson }}
{{- end }}

{{/* revet.toml, which `revet serve` reads. */}}
{{- define "revet.serviceToml" -}}
{{- $own := dict "host" .Values.host "port" 8080 "management_port" 9090 -}}
{{- range $kind := list "api" "admin" "shadow" }}
{{- if include "revet.hasTokens" (list $ $kind) }}
{{- $_ := set $own (printf "%s_tokens_file" $kind) (printf "/run/secrets/revet/%s-tokens" $kind) }}
{{- end }}
{{- end }}
{{- if include "revet.hasTls" . }}
{{- $_ := set $own "tls_cert" "/etc/revet/tls/tls.crt" }}
{{- $_ := set $own "tls_key" "/etc/revet/tls/tls.key" }}
{{- end }}
{{- if include "revet.hasClientCa" . }}
{{- $_ := set $own "tls_client_ca" "/etc/revet/client-ca/ca.crt" }}
{{- end }}
{{- merge (dict) $own (include "revet.sharedSettings" . | fromJson) .Values.settings | toToml }}
{{- end }}

{{/* fetcher.toml, which `revet prefetch` reads: it serves nobody, and gets no tokens. */}}
{{- define "revet.fetcherToml" -}}
{{- $own := dict "host" "127.0.0.1" "port" 8080 "management_port" 9090 -}}
{{- merge (dict) $own (include "revet.sharedSettings" . | fromJson) .Values.settings | toToml }}
{{- end }}

{{/* What the chart sets for both: where things are that are mounted, see _volumes.tpl. As JSON. */}}
{{- define "revet.sharedSettings" -}}
{{- $own := dict "data_dir" "/var/lib/revet" -}}
{{- with .Values.trustStore }}
{{- if or .url .path }}
{{- $_ := set $own "trust_store" (.url | default .path) }}
{{- else if include "revet.isGiven" . }}
{{- $_ := set $own "trust_store" "/etc/revet/trust-store/cas.pem" }}
{{- end }}
{{- end }}
{{- with .Values.trustStoreDirectory }}
{{- if .path }}
{{- $_ := set $own "trust_store_dir" .path }}
{{- else if or .configMap .secret }}
{{- $_ := set $own "trust_store_dir" "/etc/revet-trust-stores" }}
{{- end }}
{{- end }}
{{- if .Values.trustStores }}
{{- $_ := set $own "trust_store_dir" "/etc/revet/trust-stores" }}
{{- end }}
{{- with .Values.intermediates }}
{{- if include "revet.isGiven" . }}
{{- $_ := set $own "intermediates" (list (.path | default "/etc/revet/intermediates/intermediates.pem")) }}
{{- end }}
{{- end }}
{{- if ne .Values.redis.mode "none" }}
{{- $_ := set $own "redis_url_file" "/run/secrets/revet/redis-url" }}
{{- $_ := set $own "fleet_key_file" "/run/secrets/revet/fleet-key" }}
{{- end }}
{{- if eq .Values.redis.mode "external" }}
{{- if include "revet.isGiven" .Values.redis.external.ca }}
{{- $_ := set $own "redis_ca_bundle" "/etc/revet/redis/ca.crt" }}
{{- end }}
{{- if .Values.redis.external.clientCertificate.existingSecret }}
{{- $_ := set $own "redis_client_cert" "/etc/revet/redis/tls.crt" }}
{{- $_ := set $own "redis_client_key" "/etc/revet/redis/tls.key" }}
{{- end }}
{{- end }}
{{- $own | toJson }}
{{- end }}
