{{/*
What pods of the service and of the fetcher mount. Whole volumes, no subPath: what rotates arrives in the pod by itself.

  /etc/revet               settings, certificates, TLS (projected, read-only)
  /etc/revet-trust-stores  a ConfigMap or Secret of trust stores, as it is
  /run/secrets/revet       tokens, the fleet's key, the URL of Redis (projected, read-only)
  /var/lib/revet           the data directory
  /tmp
*/}}

{{/* Takes (list $ component). */}}
{{- define "revet.volumes" -}}
{{- $root := index . 0 -}}
- name: config
  projected:
    defaultMode: 0440
    sources:
      {{- include "revet.configSources" . | trim | nindent 6 }}
{{- with include "revet.secretSources" . | trim }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- with $root.Values.trustStoreDirectory.configMap }}
- name: trust-stores
  configMap:
    name: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- with $root.Values.trustStoreDirectory.secret }}
- name: trust-stores
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
- name: data
  {{- with $root.Values.data.volumeClaim }}
  ephemeral:
    volumeClaimTemplate:
      metadata:
        labels:
          {{- include "revet.selectorLabels" (list $root (index $ 1)) | nindent 10 }}
      spec:
        {{- toYaml . | nindent 8 }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ $root.Values.data.sizeLimit | quote }}
  {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: {{ $root.Values.tmp.sizeLimit | quote }}
{{- with $root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Takes (list $ component). */}}
{{- define "revet.volumeMounts" -}}
{{- $root := index . 0 -}}
- name: config
  mountPath: /etc/revet
  readOnly: true
{{- if include "revet.secretSources" . | trim }}
- name: secrets
  mountPath: /run/secrets/revet
  readOnly: true
{{- end }}
{{- if or $root.Values.trustStoreDirectory.configMap $root.Values.trustStoreDirectory.secret }}
- name: trust-stores
  mountPath: /etc/revet-trust-stores
  readOnly: true
{{- end }}
- name: data
  mountPath: /var/lib/revet
- name: tmp
  mountPath: /tmp
{{- with $root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What is below /etc/revet: no secrets but private keys of TLS. Takes (list $ component). */}}
{{- define "revet.configSources" -}}
{{- $root := index . 0 -}}
{{- $toml := eq (index . 1) "fetcher" | ternary "fetcher.toml" "revet.toml" -}}
- configMap:
    name: {{ include "revet.fullname" $root | quote }}
    items:
      - key: {{ $toml | quote }}
        path: revet.toml
{{- with include "revet.pemSource" (list $root $root.Values.trustStore "trust-store.pem" "trust-store/cas.pem") | trim }}
{{ . }}
{{- end }}
{{- range $name, $store := $root.Values.trustStores }}
{{- with include "revet.pemSource" (list $root $store (printf "trust-store-%s.pem" $name) (printf "trust-stores/%s.pem" $name)) | trim }}
{{ . }}
{{- end }}
{{- end }}
{{- with include "revet.pemSource" (list $root $root.Values.intermediates "intermediates.pem" "intermediates/intermediates.pem") | trim }}
{{ . }}
{{- end }}
{{- if eq $root.Values.redis.mode "external" }}
{{- with include "revet.pemSource" (list $root $root.Values.redis.external.ca "redis-ca.pem" "redis/ca.crt") | trim }}
{{ . }}
{{- end }}
{{- with $root.Values.redis.external.clientCertificate.existingSecret }}
{{- with include "revet.keyPairSource" (list . "redis") | trim }}
{{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq (index . 1) "service" }}
{{- if include "revet.hasTls" $root }}
{{- with include "revet.keyPairSource" (list (include "revet.tlsSecret" $root) "tls") | trim }}
{{ . }}
{{- end }}
{{- end }}
{{- with include "revet.pemSource" (list $root $root.Values.tls.clientCa "client-ca.pem" "client-ca/ca.crt") | trim }}
{{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* What is below /run/secrets/revet; nothing where there is none. Takes (list $ component). */}}
{{- define "revet.secretSources" -}}
{{- $root := index . 0 -}}
{{- if eq (index . 1) "service" }}
{{- range $kind := list "api" "admin" "shadow" }}
{{- if include "revet.hasTokens" (list $root $kind) }}
- secret:
    name: {{ include "revet.tokenSecret" (list $root $kind) | quote }}
    items:
      - key: {{ include "revet.tokenKey" (list $root $kind) | quote }}
        path: {{ $kind }}-tokens
{{- end }}
{{- end }}
{{- end }}
{{- if ne $root.Values.redis.mode "none" }}
- secret:
    name: {{ include "revet.fleetKeySecret" $root | quote }}
    items:
      - key: {{ ternary $root.Values.fleetKey.key "fleet-key" (not (empty $root.Values.fleetKey.existingSecret)) | quote }}
        path: fleet-key
- secret:
    name: {{ include "revet.redisSecret" $root | quote }}
    items:
      - key: {{ include "revet.redisUrlKey" $root | quote }}
        path: redis-url
{{- end }}
{{- end }}

{{/*
A file with certificates, out of the chart's own ConfigMap or another one or a Secret; nothing where none is given.
Takes (list $ given key path): a map with pem, configMap and secret; the key of an inline PEM; where it is to be.
*/}}
{{- define "revet.pemSource" -}}
{{- $root := index . 0 -}}
{{- $given := index . 1 -}}
{{- $path := index . 3 -}}
{{- if $given.pem }}
- configMap:
    name: {{ include "revet.fullname" $root }}-certificates
    items:
      - key: {{ index . 2 | quote }}
        path: {{ $path | quote }}
{{- else if ($given.configMap).name }}
- configMap:
    name: {{ $given.configMap.name | quote }}
    items:
      - key: {{ $given.configMap.key | default "ca.crt" | quote }}
        path: {{ $path | quote }}
{{- else if ($given.secret).name }}
- secret:
    name: {{ $given.secret.name | quote }}
    items:
      - key: {{ $given.secret.key | default "ca.crt" | quote }}
        path: {{ $path | quote }}
{{- end }}
{{- end }}

{{/* A certificate and its key out of a Secret. Takes (list secret directory). */}}
{{- define "revet.keyPairSource" -}}
- secret:
    name: {{ index . 0 | quote }}
    items:
      - key: tls.crt
        path: {{ index . 1 }}/tls.crt
      - key: tls.key
        path: {{ index . 1 }}/tls.key
{{- end }}
