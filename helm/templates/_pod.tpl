{{/* What the pods of the service and of the fetcher have in common. */}}

{{/*
Annotations of a pod. What is read at start only has a checksum here, so that another one makes another pod: settings, and of the secrets the fleet's
key and whatever leads to Redis. Everything else that is mounted is read again by itself. Takes (list $ toml annotations).
*/}}
{{- define "revet.podAnnotations" -}}
{{- $root := index . 0 -}}
checksum/settings: {{ index . 1 | sha256sum | quote }}
{{- with include "revet.givenFleet" $root }}
checksum/fleet: {{ . | sha256sum | quote }}
{{- end }}
{{- with index . 2 }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Key, address and authorities as far as they stand in the values; nothing where none does. What was made here is not among it: it is kept, and where
nobody can look up what it was (`helm template`) it would replace all pods each time. What is in a Secret or ConfigMap of the operator's is his to
follow. Whoever lists pods sees the checksum. It says nothing of keys that are long, as the schema wants them; a password may be one that somebody has
thought of, so that each guess at it is to cost a tenth of a second: scrypt, salted with the release.
*/}}
{{- define "revet.givenFleet" -}}
{{- $given := dict -}}
{{- if ne .Values.redis.mode "none" }}
{{- with .Values.fleetKey.values }}
{{- $_ := set $given "key" . }}
{{- end }}
{{- end }}
{{- if eq .Values.redis.mode "bundled" }}
{{- with .Values.redis.bundled.password }}
{{- $_ := set $given "password" (include "revet.slowDigest" (list $ .)) }}
{{- end }}
{{- else if eq .Values.redis.mode "external" }}
{{- with .Values.redis.external.url }}
{{- $_ := set $given "url" (include "revet.slowDigest" (list $ .)) }}
{{- end }}
{{- with .Values.redis.external.ca.pem }}
{{- $_ := set $given "ca" . }}
{{- end }}
{{- end }}
{{- if $given }}{{ toJson $given }}{{ end }}
{{- end }}

{{/* What tells nobody a password, and that it is another one. Takes (list $ password). */}}
{{- define "revet.slowDigest" -}}
{{- $root := index . 0 -}}
{{- derivePassword 1 "maximum" (index . 1) $root.Release.Name $root.Release.Namespace }}
{{- end }}

{{/* Fields of a pod that are the same for both. */}}
{{- define "revet.podCommon" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ include "revet.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
# Of the variables of Kubernetes for Services, those of one called revet look like settings.
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.schedulerName }}
schedulerName: {{ . | quote }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . | quote }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: {{ include "revet.terminationGracePeriodSeconds" . }}
{{- end }}

{{/* Where a pod runs. Takes the values that have nodeSelector, tolerations, affinity and priorityClassName. */}}
{{- define "revet.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Environment of both. What the image sets itself is said again: settings of another image must not win over the chart's. */}}
{{- define "revet.env" -}}
- name: REVET_CONFIG
  value: /etc/revet/revet.toml
- name: REVET_DATA_DIR
  value: /var/lib/revet
- name: REVET_PORT
  value: "8080"
- name: REVET_MANAGEMENT_PORT
  value: "9090"
{{- end }}

{{/* The least time that a pod needs to end: sleep, drain, what is under way, and some to spare; in seconds. */}}
{{- define "revet.leastTerminationSeconds" -}}
{{- $drain := dig "drain_s" 3 .Values.settings | float64 | ceil | int -}}
{{- $grace := dig "shutdown_grace_s" 10 .Values.settings | float64 | ceil | int -}}
{{- add (int .Values.preStopSleepSeconds) $drain $grace 5 }}
{{- end }}

{{- define "revet.terminationGracePeriodSeconds" -}}
{{- .Values.terminationGracePeriodSeconds | default (include "revet.leastTerminationSeconds" .) }}
{{- end }}

{{/* How long a roll-out may stand still: as long as one pod may take to start, and as Kubernetes has it at least. */}}
{{- define "revet.progressDeadlineSeconds" -}}
{{- $probe := .Values.startupProbe | default dict -}}
{{- max 600 (add (mul ($probe.periodSeconds | default 10) ($probe.failureThreshold | default 3)) 60) }}
{{- end }}
