{{/* Configuration of the bundled Redis: it keeps nothing on a disk, evicts only what has an end, and lets in nobody but the user below. */}}
{{- define "revet.redisConf" -}}
port 6379
# The one user has a password, and nobody else is let in.
protected-mode no
dir /data
save ""
appendonly no
maxmemory {{ .Values.redis.bundled.maxMemory }}
maxmemory-policy volatile-lru
user default off resetpass
{{- end }}

{{/*
Its one user, as words of the command line: may do what the service needs (docs/fleet.md) and nothing else. Digests of his passwords come out of the
Secret, by the environment: a file of Redis' cannot name another one for them.
*/}}
{{- define "revet.redisUser" -}}
- --user
- revet
- "on"
- "#$(PASSWORD_SHA256)"
{{- if not .Values.redis.bundled.existingSecret }}
- "#$(FORMER_PASSWORD_SHA256)"
{{- end }}
- {{ printf "~%s:*" (include "revet.redisPrefix" .) | quote }}
- resetchannels
- -@all
{{- range list "ping" "select" "exists" "get" "set" "pexpire" "del" "type" "eval" "hscan" "hset" "hdel" "xadd" "xread" "xinfo|stream" }}
- {{ printf "+%s" . | quote }}
{{- end }}
{{- end }}

{{/* What all names in Redis begin with, as the service has it where the settings say nothing. */}}
{{- define "revet.redisPrefix" -}}
{{- dig "redis_prefix" "revet" .Values.settings }}
{{- end }}
