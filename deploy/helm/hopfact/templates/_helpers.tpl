{{- define "hopfact.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hopfact.labels" -}}
{{ include "hopfact.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "hopfact.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hopfact.claim" -}}
{{- .Values.data.existingClaim | default (printf "%s-data" (include "hopfact.fullname" .)) -}}
{{- end -}}

{{- define "hopfact.isShared" -}}
{{- if eq .Values.data.accessMode "ReadWriteMany" }}true{{ end -}}
{{- end -}}

{{- define "hopfact.check" -}}
{{- $many := or (gt (int .Values.replicas) 1) .Values.worker.enabled .Values.autoscaling.enabled -}}
{{- if and $many (not (include "hopfact.isShared" .)) -}}
{{- fail "several replicas, workers and autoscaling need data.accessMode ReadWriteMany: all of them share the data folder" -}}
{{- end -}}
{{- end -}}

{{- /* What all pods have in common. */ -}}
{{- define "hopfact.pod" -}}
{{- /* Kubernetes would set HOPFACT_PORT and others for a service of the name hopfact, at which settings stop the start. */ -}}
enableServiceLinks: false
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* What all containers have in common. */ -}}
{{- define "hopfact.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
{{- end -}}

{{- define "hopfact.databaseUrl" -}}
- name: HOPFACT_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secret.name }}
      key: {{ .Values.secret.databaseUrlKey }}
{{- end -}}

{{- define "hopfact.settings" -}}
- name: HOPFACT_DATA
  value: /data
- name: HOPFACT_WORKER
  value: {{ ternary "none" "embedded" .Values.worker.enabled }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ include "hopfact.text" $value | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Helm reads numbers as floats, and would write a large one as 8.589934592e+09. */ -}}
{{- define "hopfact.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{- define "hopfact.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "hopfact.volumes" -}}
- name: data
  persistentVolumeClaim:
    claimName: {{ include "hopfact.claim" . }}
- name: tmp
  emptyDir: {}
{{- end -}}
