{{/*
"true" where there is a test. It comes as a caller does: with a certificate where callers need one, else with a token. There is none where only
administrators have tokens, since a pod that anybody may look into gets none of theirs.
*/}}
{{- define "revet.hasTest" -}}
{{- if .Values.test.enabled }}
{{- if include "revet.hasClientCa" . }}
{{- if .Values.test.clientCertificate.existingSecret }}true{{ end }}
{{- else if (include "revet.testToken" . | fromJson).secret }}true{{ end }}
{{- end }}
{{- end }}

{{/* Which trust store is asked: the default one, else the first that has a name. */}}
{{- define "revet.testTrustStore" -}}
{{- if .Values.test.trustStore }}
{{- .Values.test.trustStore }}
{{- else if include "revet.isGiven" .Values.trustStore }}default
{{- else }}
{{- keys .Values.trustStores | sortAlpha | first | default "default" }}
{{- end }}
{{- end }}

{{/* The Secret and key with the token to ask with, as JSON; no secret where there is no caller's. Never an administrator's. */}}
{{- define "revet.testToken" -}}
{{- if .Values.test.token.existingSecret }}
{{- dict "secret" .Values.test.token.existingSecret "key" .Values.test.token.key | toJson }}
{{- else if include "revet.hasTokens" (list . "api") }}
{{- dict "secret" (include "revet.tokenSecret" (list . "api")) "key" (include "revet.tokenKey" (list . "api")) | toJson }}
{{- else }}
{{- dict | toJson }}
{{- end }}
{{- end }}

{{/* Self-signed, by a key that nobody has: denied, which is a verdict. */}}
{{- define "revet.certificateOfNobody" -}}
-----BEGIN CERTIFICATE-----
MIIBnTCCAUOgAwIBAgIUe5SRjKAaVupmmsQ9E+K+LTmkTKUwCgYIKoZIzj0EAwIw
IzEhMB8GA1UEAwwYbm9ib2R5LmhlbG0tdGVzdC5pbnZhbGlkMCAXDTI2MTEyMjE5
MTQzNloYDzIxMjYxMDI5MTkxNDM2WjAjMSEwHwYDVQQDDBhub2JvZHkuaGVsbS10
ZXN0LmludmFsaWQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARg2vpXXKtgHT4d
57GGNTHD5o0/defsjFoLdj3HlgFDfVG8Ciru5P2t0SfnsS3VQItzcahGa3fIoxFN
eSQRzz81o1MwUTAdBgNVHQ4EFgQU9rTEb0a2lD6LPjXv5YtvSiAKeIUwHwYDVR0j
BBgwFoAU9rTEb0a2lD6LPjXv5YtvSiAKeIUwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiB4fl+jymIKjW69dLfaDmn7I3tRamlo658GnX9PtIjPwgIh
APN7MWrEWAnLunh1kPMbG6HMXdCCk6HwEliZ/Quk5qYB
-----END CERTIFICATE-----
{{- end }}
