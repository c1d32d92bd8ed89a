{{/*
Values that contradict each other end the rendering, all at once and by their names. Types and names of values are the business of values.schema.json;
values of settings that of `revet config check`.
*/}}
{{- define "revet.validate" -}}
{{- $problems := list -}}
{{- range list "names" "trust" "settings" "access" "redis" "pods" "volumes" "monitoring" }}
{{- $problems = concat $problems (include (printf "revet.problems.%s" .) $ | fromJsonArray) }}
{{- end }}
{{- if $problems }}
{{- fail (printf "\n\nThe values contradict each other:\n- %s\n" (join "\n- " $problems)) }}
{{- end }}
{{- end }}

{{/* "true" where more than one place is given. Takes a map with pem, configMap, secret, url, path. */}}
{{- define "revet.isAmbiguous" -}}
{{- if gt (len (compact (list .pem (.configMap).name (.secret).name .url .path))) 1 }}true{{ end }}
{{- end }}

{{/*
A label of the chart's own that is given once more would stand there twice, and the one of the values would count: a Service, a policy or a Deployment
would then mean the pods of another, or none.
*/}}
{{- define "revet.problems.names" -}}
{{- $problems := list -}}
{{- $name := include "revet.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- $problems = append $problems (printf "fullnameOverride: no Service can be called %s: a name begins with a letter and has letters, digits and hyphens" $name) }}
{{- end }}
{{- $own := list "helm.sh/chart" "pod-template-hash" -}}
{{- range list "name" "instance" "component" "version" "part-of" "managed-by" }}
{{- $own = append $own (printf "app.kubernetes.io/%s" .) }}
{{- end }}
{{- $given := dict
  "commonLabels" .Values.commonLabels
  "podLabels" .Values.podLabels
  "service.labels" .Values.service.labels
  "metrics.serviceMonitor.labels" .Values.metrics.serviceMonitor.labels
  "metrics.podMonitor.labels" .Values.metrics.podMonitor.labels
  "metrics.prometheusRule.labels" .Values.metrics.prometheusRule.labels
  "metrics.dashboard.labels" .Values.metrics.dashboard.labels -}}
{{- range $value, $labels := $given }}
{{- range $label, $_ := $labels }}
{{- if has $label $own }}
{{- $problems = append $problems (printf "%s: %s is the chart's own label, by which pods are found: take another name" $value $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- if hasKey .Values.commonAnnotations "helm.sh/resource-policy" }}
{{- $problems = append $problems "commonAnnotations: helm.sh/resource-policy is the chart's own annotation, by which it knows which tokens it has made: take another name" }}
{{- end }}
{{- $secrets := dict
  "tokens.api" .Values.tokens.api
  "tokens.admin" .Values.tokens.admin
  "tokens.shadow" .Values.tokens.shadow
  "fleetKey" .Values.fleetKey
  "redis.bundled" .Values.redis.bundled
  "redis.external" .Values.redis.external -}}
{{- range $value, $given := $secrets }}
{{- /* Helm deletes what it has made and makes no more, whoever has written to it since. */}}
{{- range $own := list "callers" "admins" "shadow" "fleet" "redis" }}
{{- if eq $given.existingSecret (printf "%s-%s" $name $own) }}
{{- $problems = append $problems (printf "%s.existingSecret: the chart's own is called %s where there is one, and Helm would delete it: take another name" $value $given.existingSecret) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $value, $annotations := dict "podAnnotations" .Values.podAnnotations "fetcher.podAnnotations" .Values.fetcher.podAnnotations }}
{{- range $annotation, $_ := $annotations }}
{{- if hasPrefix "checksum/" $annotation }}
{{- $problems = append $problems (printf "%s: %s may be the chart's own annotation, by which pods are replaced: take another name" $value $annotation) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{- define "revet.problems.trust" -}}
{{- $problems := list -}}
{{- $directory := .Values.trustStoreDirectory -}}
{{- $directories := compact (list $directory.configMap $directory.secret $directory.path) -}}
{{- if not (or (include "revet.isGiven" .Values.trustStore) .Values.trustStores $directories) }}
{{- $problems = append $problems "trustStore: whom to trust? Give the PEM file of your authorities, --set-file trustStore.pem=cas.pem, or trustStore.configMap.name, trustStore.secret.name, trustStore.url or trustStores" }}
{{- end }}
{{- if gt (len $directories) 1 }}
{{- $problems = append $problems "trustStoreDirectory: give one of configMap, secret and path" }}
{{- end }}
{{- if and $directories .Values.trustStores }}
{{- $problems = append $problems "trustStores and trustStoreDirectory: give one or the other, for there is one directory" }}
{{- end }}
{{- range $name, $given := dict "trustStore" .Values.trustStore "intermediates" .Values.intermediates "tls.clientCa" .Values.tls.clientCa "redis.external.ca" .Values.redis.external.ca }}
{{- if include "revet.isAmbiguous" $given }}
{{- $problems = append $problems (printf "%s: give one of its places (%s), not several" $name (keys $given | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- range $name, $pem := include "revet.inlineCertificates" . | fromJson }}
{{- if contains "PRIVATE KEY" $pem }}
{{- $problems = append $problems (printf "%s: there is a private key in it, and it would be in a ConfigMap: give certificates alone" $name) }}
{{- end }}
{{- end }}
{{- if hasPrefix "http://" .Values.trustStore.url }}
{{- $problems = append $problems "trustStore.url: anybody on the way can change what comes over http: give https or s3" }}
{{- end }}
{{- range $name, $store := .Values.trustStores }}
{{- if not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" $name) }}
{{- $problems = append $problems (printf "trustStores.%s: a name is a letter or digit, then letters, digits, dots, underscores and hyphens, 64 at most" $name) }}
{{- end }}
{{- if and (eq $name "default") (include "revet.isGiven" $.Values.trustStore) }}
{{- $problems = append $problems "trustStores.default: the store called default is trustStore" }}
{{- end }}
{{- if not (or $store.pem ($store.configMap).name ($store.secret).name) }}
{{- $problems = append $problems (printf "trustStores.%s: give pem, configMap.name or secret.name" $name) }}
{{- else if include "revet.isAmbiguous" $store }}
{{- $problems = append $problems (printf "trustStores.%s: give one of pem, configMap and secret, not several" $name) }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{/* Every PEM that stands in the values, by the name of its value; as JSON. */}}
{{- define "revet.inlineCertificates" -}}
{{- $inline := dict
  "trustStore.pem" .Values.trustStore.pem
  "intermediates.pem" .Values.intermediates.pem
  "tls.clientCa.pem" .Values.tls.clientCa.pem
  "redis.external.ca.pem" .Values.redis.external.ca.pem
  "test.certificate" .Values.test.certificate }}
{{- range $name, $store := .Values.trustStores }}
{{- $_ := set $inline (printf "trustStores.%s.pem" $name) ($store.pem | default "") }}
{{- end }}
{{- $inline | toJson }}
{{- end }}

{{- define "revet.problems.settings" -}}
{{- $problems := list -}}
{{- $own := include "revet.ownSettings" . | fromJsonArray -}}
{{- range $name, $value := .Values.settings }}
{{- if has $name $own }}
{{- $problems = append $problems (printf "settings.%s: the chart sets this itself: %s" $name (include "revet.valueOfSetting" $name)) }}
{{- else if regexMatch "token|password|secret" $name }}
{{- $problems = append $problems (printf "settings.%s: secrets are not for a ConfigMap: see tokens, fleetKey and redis" $name) }}
{{- else if or (hasPrefix "REVET_" $name) (ne $name (lower $name)) }}
{{- $problems = append $problems (printf "settings.%s: names are those of TOML: %s" $name (trimPrefix "revet_" (lower $name))) }}
{{- end }}
{{- end }}
{{- if and (hasKey .Values.settings "intermediates") (include "revet.isGiven" .Values.intermediates) }}
{{- $problems = append $problems "settings.intermediates and intermediates: give one or the other" }}
{{- end }}
{{- range .Values.extraEnv }}
{{- $setting := trimPrefix "REVET_" .name | lower }}
{{- if and (hasPrefix "REVET_" .name) (or (has $setting $own) (eq $setting "config")) }}
{{- $problems = append $problems (printf "extraEnv %s: the chart sets this itself: %s" .name (include "revet.valueOfSetting" $setting)) }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{/* Where in the values the operator says what he wanted to say with a setting. */}}
{{- define "revet.valueOfSetting" -}}
{{- if hasPrefix "trust_store" . }}see trustStore, trustStores and trustStoreDirectory
{{- else if contains "tokens" . }}see tokens
{{- else if hasPrefix "tls_" . }}see tls
{{- else if hasPrefix "fleet_key" . }}see fleetKey
{{- else if hasPrefix "redis_" . }}see redis
{{- else if eq . "data_dir" }}see data
{{- else if eq . "port" }}pods listen on 8080, see service.port
{{- else if contains "management_" . }}pods listen on 9090 for health and metrics
{{- else if eq . "host" }}see host
{{- else }}see settings
{{- end }}
{{- end }}

{{- define "revet.problems.access" -}}
{{- $problems := list -}}
{{- $hasTls := include "revet.hasTls" . -}}
{{- $hasTokens := or (include "revet.hasTokens" (list . "api")) (include "revet.hasTokens" (list . "admin")) (include "revet.hasTokens" (list . "shadow")) -}}
{{- if not (or $hasTokens (include "revet.hasClientCa" .)) }}
{{- $problems = append $problems "tokens: anybody could ask: give tokens.api or tokens.admin, or tls.clientCa" }}
{{- end }}
{{- range $kind := list "api" "admin" "shadow" }}
{{- $tokens := get $.Values.tokens $kind }}
{{- if and $tokens.values $tokens.existingSecret }}
{{- $problems = append $problems (printf "tokens.%s: give values or existingSecret, not both" $kind) }}
{{- end }}
{{- end }}
{{- if and .Values.tls.existingSecret .Values.tls.certManager.enabled }}
{{- $problems = append $problems "tls: give existingSecret or certManager, not both" }}
{{- end }}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) }}
{{- $problems = append $problems "tls.certManager.issuerRef.name: whose certificate?" }}
{{- end }}
{{- if and (include "revet.hasClientCa" .) (not $hasTls) }}
{{- $problems = append $problems "tls.clientCa: callers present certificates in TLS only: give tls.existingSecret or tls.certManager" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- $problems = append $problems "ingress.hosts: for which hosts?" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- $problems = append $problems "httpRoute.parentRefs: of which gateways?" }}
{{- end }}
{{- if and .Values.service.nodePort (eq .Values.service.type "ClusterIP") }}
{{- $problems = append $problems "service.nodePort: a Service of type ClusterIP has none" }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{- define "revet.problems.redis" -}}
{{- $problems := list -}}
{{- $external := .Values.redis.external -}}
{{- if not (has .Values.redis.mode (list "bundled" "external" "none")) }}
{{- $problems = append $problems (printf "redis.mode is %q: it is bundled, external or none" .Values.redis.mode) }}
{{- end }}
{{- if eq .Values.redis.mode "external" }}
{{- if not (or $external.url $external.existingSecret) }}
{{- $problems = append $problems "redis.external: where is it? Give url or existingSecret" }}
{{- else if and $external.url $external.existingSecret }}
{{- $problems = append $problems "redis.external: give url or existingSecret, not both" }}
{{- end }}
{{- else if or $external.url $external.existingSecret }}
{{- $problems = append $problems (printf "redis.external is given, and redis.mode is %s: external was meant?" .Values.redis.mode) }}
{{- end }}
{{- if and .Values.redis.bundled.password .Values.redis.bundled.existingSecret }}
{{- $problems = append $problems "redis.bundled: give password or existingSecret, not both" }}
{{- end }}
{{- if and .Values.redis.bundled.existingSecret (ne .Values.redis.mode "bundled") }}
{{- $problems = append $problems (printf "redis.bundled.existingSecret is given, and redis.mode is %s: redis.external.existingSecret was meant?" .Values.redis.mode) }}
{{- end }}
{{- if not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" (include "revet.redisPrefix" .)) }}
{{- $problems = append $problems "settings.redis_prefix: a letter or digit, then letters, digits, dots, underscores and hyphens, 64 at most" }}
{{- end }}
{{- if and .Values.fleetKey.values .Values.fleetKey.existingSecret }}
{{- $problems = append $problems "fleetKey: give values or existingSecret, not both" }}
{{- end }}
{{- if and .Values.fetcher.enabled (eq .Values.redis.mode "none") }}
{{- $problems = append $problems "fetcher.enabled: what it fetches is of use to others alone, and redis.mode is none" }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{- define "revet.problems.pods" -}}
{{- $problems := list -}}
{{- $least := include "revet.leastTerminationSeconds" . | int -}}
{{- with .Values.terminationGracePeriodSeconds }}
{{- if lt (int .) $least }}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds is %v: pods need %d (preStopSleepSeconds, settings.drain_s, settings.shutdown_grace_s and 5)" . $least) }}
{{- end }}
{{- end }}
{{- if not .Values.readinessProbe }}
{{- $problems = append $problems "readinessProbe: without one, requests would be sent to pods that know neither CRLs nor blocks yet, and no roll-out would wait for them" }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if not (or .targetCPUUtilizationPercentage .targetMemoryUtilizationPercentage .decisions.targetPerSecond .extraMetrics) }}
{{- $problems = append $problems "autoscaling: by which metric? All targets are 0" }}
{{- end }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- $problems = append $problems (printf "autoscaling.minReplicas is %v, more than maxReplicas (%v)" .minReplicas .maxReplicas) }}
{{- end }}
{{- if and .targetCPUUtilizationPercentage (not (($.Values.resources).requests).cpu) }}
{{- $problems = append $problems "autoscaling.targetCPUUtilizationPercentage: percent of what? There is no resources.requests.cpu" }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{- define "revet.problems.volumes" -}}
{{- $problems := list -}}
{{- $own := list "/etc/revet" "/etc/revet-trust-stores" "/run/secrets/revet" "/var/run/secrets/revet" "/var/lib/revet" -}}
{{- range $mount := .Values.extraVolumeMounts }}
{{- $place := printf "%s/" (clean $mount.mountPath | trimSuffix "/") }}
{{- range concat $own (list "/tmp" "/opt/revet") }}
{{- if or (hasPrefix $place (printf "%s/" .)) (and (has . $own) (hasPrefix (printf "%s/" .) $place)) }}
{{- $problems = append $problems (printf "extraVolumeMounts %s: %s is the chart's own: mount it elsewhere" $mount.mountPath .) }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.extraVolumes }}
{{- if has .name (list "config" "secrets" "trust-stores" "data" "tmp") }}
{{- $problems = append $problems (printf "extraVolumes %s: the chart has a volume of this name: take another one" .name) }}
{{- end }}
{{- end }}
{{- range concat .Values.extraContainers .Values.initContainers }}
{{- if eq .name "revet" }}
{{- $problems = append $problems "extraContainers, initContainers: revet is the name of the service's own: take another one" }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}

{{- define "revet.problems.monitoring" -}}
{{- $problems := list -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- $problems = append $problems "metrics: a ServiceMonitor and a PodMonitor would count everything twice: enable one of them" }}
{{- end }}
{{- if and (or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled) .Values.networkPolicy.enabled }}
{{- if not (or .Values.networkPolicy.ingress.monitoringFrom .Values.networkPolicy.ingress.extra) }}
{{- $problems = append $problems "networkPolicy.ingress.monitoringFrom: nobody may read the metrics that metrics.serviceMonitor or metrics.podMonitor has read" }}
{{- end }}
{{- end }}
{{- toJson $problems }}
{{- end }}
