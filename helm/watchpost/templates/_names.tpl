{{- define "watchpost.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "watchpost.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "watchpost.labels" -}}
{{ include "watchpost.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "watchpost.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "watchpost.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "watchpost.kafka.address" -}}
{{- if .Values.kafka.external.bootstrap -}}
{{- .Values.kafka.external.bootstrap -}}
{{- else -}}
{{- printf "%s-kafka.%s.svc:9092" (include "watchpost.fullname" .) .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{- /* config.yaml, as it was given */ -}}
{{- define "watchpost.config" -}}
{{- if and .Values.config .Values.configFile -}}
{{- fail "config and configFile are both set; keep one of them" -}}
{{- end -}}
{{- if .Values.configFile -}}
{{- .Values.configFile -}}
{{- else if .Values.config -}}
{{- toYaml .Values.config -}}
{{- end -}}
{{- end -}}

{{- /* what services must be restarted for: cameras reach them through Kafka, and a change of one disturbs no other */ -}}
{{- define "watchpost.config.checksum" -}}
{{- $config := include "watchpost.config" . | fromYaml -}}
{{- if $config.Error -}}
{{- fail (printf "configFile is no YAML: %s" $config.Error) -}}
{{- end -}}
{{- omit $config "cameras" | toJson | sha256sum -}}
{{- end -}}

{{- define "watchpost.hasCentre" -}}
{{- if (include "watchpost.config" . | fromYaml).central -}}yes{{- end -}}
{{- end -}}
