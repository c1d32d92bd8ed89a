{{/* What pods of the service and of the fetcher may reach: name servers, authorities, Redis. */}}
{{- define "revet.egressRules" -}}
{{- with .Values.networkPolicy.egress -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  {{- with .dns }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if and .authorities .authorityPorts }}
- ports:
    {{- range .authorityPorts }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  to:
    {{- toYaml .authorities | nindent 4 }}
{{- end }}
{{- if .podIdentity }}
- ports:
    - port: 80
      protocol: TCP
  to:
    - ipBlock:
        cidr: 169.254.170.23/32
    - ipBlock:
        cidr: fd00:ec2::23/128
{{- end }}
{{- end }}
{{- if eq .Values.redis.mode "bundled" }}
- ports:
    - port: 6379
      protocol: TCP
  to:
    - podSelector:
        matchLabels:
          {{- include "revet.selectorLabels" (list . "redis") | nindent 10 }}
{{- else if eq .Values.redis.mode "external" }}
- ports:
    {{- range .Values.networkPolicy.egress.redisPorts }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .Values.networkPolicy.egress.redis }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .Values.networkPolicy.egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end }}
