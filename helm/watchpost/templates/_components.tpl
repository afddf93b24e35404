{{- /*
What the chart knows of each service; the rest are values. `port` answers /healthz and /readyz. `frames`, `secrets`,
`recordings` and `state` say how it mounts those volumes; `podState` is a folder that outlives a container that is started again, not the
pod. `alone`: two at once would wait for each other (a volume, a GPU, the leadership), so the old one goes before the new one
comes. `ready`: a centre out of reach is a state that a site works in, and no reason for an install to fail.
*/ -}}
{{- define "watchpost.components" -}}
ingest: {port: 9101, portVariable: WATCHPOST_TELEMETRY__PORTS__INGEST, frames: rw, secrets: ro, recordings: rw}
inference: {port: 9102, portVariable: WATCHPOST_TELEMETRY__PORTS__INFERENCE, frames: ro, models: ro, podState: true}
events: {port: 9103, portVariable: WATCHPOST_TELEMETRY__PORTS__EVENTS, frames: ro, state: rw, alone: true}
bridge: {port: 9104, portVariable: WATCHPOST_TELEMETRY__PORTS__BRIDGE, recordings: rw, alone: true, ready: /healthz}
api: {port: 7860, portVariable: WATCHPOST_API__PORT, secrets: rw, recordings: ro}
{{- end -}}

{{- define "watchpost.enabled" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- if and (index $root.Values $name).enabled (or (ne $name "bridge") (include "watchpost.hasCentre" $root)) -}}yes{{- end -}}
{{- end -}}

{{- /* with a GPU the image that can use it, of the same version: the tag of the site's and -gpu */ -}}
{{- define "watchpost.image" -}}
{{- $root := index . 0 -}}{{- $service := index . 1 -}}{{- $own := default dict $service.image -}}
{{- $tag := printf "%s%s" (default $root.Chart.AppVersion $root.Values.image.tag) (ternary "-gpu" "" (gt (int $service.gpu) 0)) -}}
{{- default $root.Values.image.repository $own.repository }}:{{ default $tag $own.tag -}}
{{- end -}}

{{- /* the volumes of a component that tie it to a node: yes where it has one */ -}}
{{- define "watchpost.sharesVolumes" -}}
{{- $root := index . 0 -}}{{- $fixed := index . 1 -}}
{{- if or (and $fixed.frames (not $root.Values.frames.url)) (and $fixed.secrets $root.Values.api.enabled) (and $fixed.recordings (include "watchpost.records" $root)) -}}yes{{- end -}}
{{- end -}}

{{- /* yes where something is recorded: the value or the configuration asks for it, of all cameras or of one */ -}}
{{- define "watchpost.records" -}}
{{- $config := include "watchpost.config" . | fromYaml -}}
{{- $recordings := default dict $config.recordings -}}
{{- $records := or .Values.recordings.enabled .Values.recordings.existingClaim $recordings.enabled $recordings.path -}}
{{- range $config.cameras -}}
{{- if kindIs "map" . -}}
{{- $records = or $records (default dict .recording).enabled -}}
{{- end -}}
{{- end -}}
{{- if $records -}}yes{{- end -}}
{{- end -}}

{{- define "watchpost.recordingsPath" -}}
{{- $recordings := default dict (include "watchpost.config" . | fromYaml).recordings -}}
{{- $path := default "/var/lib/watchpost/recordings" $recordings.path -}}
{{- if not (hasPrefix "/" $path) -}}
{{- fail (printf "recordings.path (%s) is where the volume of recordings is mounted: write it from / on" $path) -}}
{{- end -}}
{{- $path -}}
{{- end -}}

{{- define "watchpost.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "watchpost.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* the environment beats config.yaml: what the chart decides */ -}}
{{- define "watchpost.environment" -}}
- {name: WATCHPOST_KAFKA__BOOTSTRAP, value: {{ include "watchpost.kafka.address" . | quote }}}
- {name: WATCHPOST_FRAMES__URL, value: {{ default "file:///frames" .Values.frames.url | quote }}}
- {name: WATCHPOST_STATE_DIR, value: /var/lib/watchpost}
- {name: WATCHPOST_TELEMETRY__HOST, value: 0.0.0.0}
- {name: WATCHPOST_API__HOST, value: 0.0.0.0}
{{- end -}}

{{- define "watchpost.secretEnvironment" -}}
{{- range . }}
- secretRef: {name: {{ . | quote }}}
{{- end }}
{{- end -}}

{{- /* what every container of ours mounts, and the volumes behind it */ -}}
{{- define "watchpost.commonMounts" -}}
- {name: config, mountPath: /etc/watchpost, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- range $name, $_ := .Values.secrets.files }}
- {name: secret-{{ $name }}, mountPath: /run/secrets/watchpost/{{ $name }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "watchpost.commonVolumes" -}}
- name: config
  configMap: {name: {{ include "watchpost.fullname" . }}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- range $name, $secret := .Values.secrets.files }}
- name: secret-{{ $name }}
  secret: {secretName: {{ $secret | quote }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{- define "watchpost.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* where a pod may run: the site's wishes, the service's own on top */ -}}
{{- define "watchpost.placement" -}}
{{- $root := index . 0 -}}{{- $own := index . 1 -}}
{{- with merge (deepCopy $own.nodeSelector) $root.Values.nodeSelector -}}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $root.Values.tolerations $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* a command that ends: a container of the setup, or one before a service */ -}}
{{- define "watchpost.command" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  image: {{ include "watchpost.image" (list $root dict) | quote }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args: {{ index . 2 | toJson }}
  env:
    {{- include "watchpost.environment" $root | nindent 4 }}
    {{- with $root.Values.setup.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $root.Values.setup.secretEnvironment }}
  envFrom:
    {{- include "watchpost.secretEnvironment" . | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml $root.Values.setup.resources | nindent 4 }}
  securityContext:
    {{- include "watchpost.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    {{- include "watchpost.commonMounts" $root | nindent 4 }}
{{- end -}}
