{{/* Names, labels and small things that many templates need. */}}

{{/* The chart's name, for labels. */}}
{{- define "revet.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
What the names of all resources begin with. Names end at 63 characters, and `-certificates` has to have room behind it: what is longer is cut, and ends with its digest, so that two long names stay two.
*/}}
{{- define "revet.fullname" -}}
{{- $name := printf "%s-%s" .Release.Name (include "revet.name" .) -}}
{{- if .Values.fullnameOverride }}
{{- $name = .Values.fullnameOverride }}
{{- else if contains (include "revet.name" .) .Release.Name }}
{{- $name = .Release.Name }}
{{- end }}
{{- if gt (len $name) 50 }}
{{- $name = printf "%s-%s" (trunc 41 $name | trimSuffix "-") (sha256sum $name | trunc 8) }}
{{- end }}
{{- $name }}
{{- end }}

{{/* Labels that never change, by which pods are selected. Takes (list $ component). */}}
{{- define "revet.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "revet.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 | quote }}
{{- end }}

{{/* Labels of a resource. Takes (list $ component), and perhaps more labels: of two with one name, those count. */}}
{{- define "revet.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{ include "revet.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: revet
app.kubernetes.io/managed-by: {{ $root.Release.Service | quote }}
{{- include "revet.moreLabels" . }}
{{- end }}

{{/* Labels of a pod: no version in them, so that another chart alone replaces no pod. Takes what revet.labels takes. */}}
{{- define "revet.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "revet.selectorLabels" . }}
app.kubernetes.io/part-of: revet
{{- include "revet.moreLabels" . }}
{{- end }}

{{/* Those of the values, none of which is the chart's own (revet.problems.names). Takes what revet.labels takes. */}}
{{- define "revet.moreLabels" -}}
{{- $more := ternary (last .) dict (gt (len .) 2) -}}
{{- with merge (dict) $more (index . 0).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The `annotations:` of a resource, or nothing. Takes (list $ annotations). */}}
{{- define "revet.annotations" -}}
{{- $root := index . 0 -}}
{{- with merge (dict) (index . 1 | default dict) $root.Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What a container runs. Takes (list $ image): one of the maps `image` of the values. */}}
{{- define "revet.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "revet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "revet.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* "true" where the API is served with TLS, else nothing. */}}
{{- define "revet.hasTls" -}}
{{- if or .Values.tls.existingSecret .Values.tls.certManager.enabled }}true{{ end }}
{{- end }}

{{/* The Secret with tls.crt and tls.key. */}}
{{- define "revet.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "revet.fullname" .)) }}
{{- end }}

{{/* "true" where callers have to present a certificate, else nothing. */}}
{{- define "revet.hasClientCa" -}}
{{- include "revet.isGiven" .Values.tls.clientCa }}
{{- end }}

{{/* The port of the Service. */}}
{{- define "revet.servicePort" -}}
{{- .Values.service.port | default (ternary 443 80 (eq (include "revet.hasTls" .) "true")) }}
{{- end }}

{{/* The address of the Service within the cluster. */}}
{{- define "revet.url" -}}
{{- $scheme := ternary "https" "http" (eq (include "revet.hasTls" .) "true") -}}
{{- printf "%s://%s.%s.svc:%s" $scheme (include "revet.fullname" .) .Release.Namespace (include "revet.servicePort" .) }}
{{- end }}

{{/* "true" where something is given: takes a map with pem, configMap, secret, url, path, as far as it has them. */}}
{{- define "revet.isGiven" -}}
{{- if or .pem (.configMap).name (.secret).name .url .path }}true{{ end }}
{{- end }}

{{/* "true" where the chart makes one token of a kind. Takes (list $ kind). */}}
{{- define "revet.isGenerated" -}}
{{- $tokens := get (index . 0).Values.tokens (index . 1) -}}
{{- if and $tokens.generate (not $tokens.values) (not $tokens.existingSecret) }}true{{ end }}
{{- end }}

{{/* "true" where there are tokens of a kind. Takes (list $ kind). */}}
{{- define "revet.hasTokens" -}}
{{- $tokens := get (index . 0).Values.tokens (index . 1) -}}
{{- if or $tokens.generate $tokens.values $tokens.existingSecret }}true{{ end }}
{{- end }}

{{/*
The Secret with tokens of a kind: one for each, since whoever may read a Secret reads all of it, and who hands out callers' tokens is no
administrator. Takes (list $ kind).
*/}}
{{- define "revet.tokenSecret" -}}
{{- $root := index . 0 -}}
{{- $own := get (dict "api" "callers" "admin" "admins" "shadow" "shadow") (index . 1) -}}
{{- (get $root.Values.tokens (index . 1)).existingSecret | default (printf "%s-%s" (include "revet.fullname" $root) $own) }}
{{- end }}

{{/* The key under which it has them. Takes (list $ kind). */}}
{{- define "revet.tokenKey" -}}
{{- $tokens := get (index . 0).Values.tokens (index . 1) -}}
{{- if $tokens.existingSecret }}{{ $tokens.key }}{{ else }}{{ index . 1 }}-tokens{{ end }}
{{- end }}

{{/* The Secret with the fleet's key. */}}
{{- define "revet.fleetKeySecret" -}}
{{- .Values.fleetKey.existingSecret | default (printf "%s-fleet" (include "revet.fullname" .)) }}
{{- end }}

{{/* The Secret with the address of Redis, wherever that is. */}}
{{- define "revet.redisSecret" -}}
{{- $given := eq .Values.redis.mode "bundled" | ternary .Values.redis.bundled .Values.redis.external -}}
{{- $given.existingSecret | default (printf "%s-redis" (include "revet.fullname" .)) }}
{{- end }}

{{/* The key under which it has it. */}}
{{- define "revet.redisUrlKey" -}}
{{- $external := .Values.redis.external -}}
{{- if and (eq .Values.redis.mode "external") $external.existingSecret }}{{ $external.key }}{{ else }}redis-url{{ end }}
{{- end }}

{{/* "true" where the chart makes the fleet's key. */}}
{{- define "revet.isFleetKeyGenerated" -}}
{{- if and (ne .Values.redis.mode "none") (not .Values.fleetKey.values) (not .Values.fleetKey.existingSecret) }}true{{ end }}
{{- end }}

{{/* The text of a key of a Secret that is in the cluster, or nothing: `helm template` sees no cluster. Takes (list $ secret key). */}}
{{- define "revet.existing" -}}
{{- $root := index . 0 -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (index . 1) | default dict -}}
{{- get ($secret.data | default dict) (index . 2) | b64dec }}
{{- end }}

{{/*
Likewise, but nothing where what is there was given and not made, which the annotation tells: a token that has been taken out of the values is to be
let in no more. Takes the same.
*/}}
{{- define "revet.existingMade" -}}
{{- $root := index . 0 -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (index . 1) | default dict -}}
{{- if eq (dig "metadata" "annotations" "helm.sh/resource-policy" "" $secret) "keep" }}
{{- include "revet.existing" . }}
{{- end }}
{{- end }}
