"""Every metric that Watchpost exports, in one closed list (`docs/metrics.md` is held against it by a test)."""

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "API_CALLS",
    "API_CALL_SECONDS",
    "API_RECORDS_UNREADABLE",
    "BRIDGE_BYTES_SENT",
    "BRIDGE_CATCH_UP_SECONDS",
    "BRIDGE_CLIPS_UPLOADED",
    "BRIDGE_CLIPS_WAITING",
    "BRIDGE_CLIP_FAILURES",
    "BRIDGE_DOWNLINK_FOREIGN",
    "BRIDGE_DOWNLINK_RECORDS",
    "BRIDGE_DROPPED_REPEATS",
    "BRIDGE_LAG_RECORDS",
    "BRIDGE_LEADER",
    "BRIDGE_LOST_RECORDS",
    "BRIDGE_OLDEST_UNSENT_SECONDS",
    "BRIDGE_RECORDS",
    "CAMERAS_REFUSED",
    "CAMERA_ONLINE",
    "CAMERA_RECONNECTS",
    "CAMERA_WAKES",
    "CAMERA_WAKES_FALSE",
    "CLIPS",
    "DEAD_LETTERS",
    "DECODER_FALLBACKS",
    "DECODER_FALLEN_BACK",
    "DECODE_CPU_SECONDS",
    "DECODE_MODE",
    "EVENTS_EMITTED",
    "FRAMES_ANALYZED",
    "FRAMES_CAPTURED",
    "FRAMES_DECODED",
    "FRAMES_DROPPED",
    "FRAMES_SKIPPED",
    "FRAME_STORE_BYTES",
    "INFERENCE_BATCHES_REFUSED",
    "INFERENCE_BATCH_FRAMES",
    "INFERENCE_CAPACITY_FPS",
    "INFERENCE_DEMAND_FPS",
    "INFERENCE_LAG_RECORDS",
    "INFERENCE_SECONDS",
    "INFERENCE_STAGE_SECONDS",
    "MAIN_STREAM_RECONNECTS",
    "MAIN_STREAM_RECORDED",
    "PICTURES_NOT_RECORDED",
    "RECORDED_BYTES",
    "RECORDINGS_BYTES",
    "REMOTE_FAILURES",
    "REMOTE_LIMIT_REQUESTS",
    "REMOTE_SECONDS",
    "RING_BYTES",
    "SEGMENTS_EVICTED",
    "SOURCE_BYTES",
    "THUMBNAILS_MISSED",
    "THUMBNAILS_TAKEN",
]

# ingest
SOURCE_BYTES = Counter("watchpost_source_bytes_total", "Bytes of coded video read from a camera", ["camera"])
FRAMES_CAPTURED = Counter("watchpost_frames_captured_total", "Frames published", ["camera", "reason"])
FRAMES_DECODED = Counter("watchpost_frames_decoded_total", "Pictures decoded", ["camera"])
FRAMES_DROPPED = Counter(
    "watchpost_frames_dropped_total", "Pictures left out: late, frozen, corrupt, or not stored", ["camera", "reason"]
)
DECODE_CPU_SECONDS = Counter(
    "watchpost_decode_cpu_seconds_total",
    "CPU time of decoding and looking, by how much was decoded and why",
    ["camera", "mode", "cause"],
)
DECODE_MODE = Gauge("watchpost_decode_mode", "1 for how much of a camera is decoded now", ["camera", "mode"])
CAMERA_WAKES = Counter("watchpost_camera_wakes_total", "Turns from idle to active, by cause", ["camera", "cause"])
CAMERA_WAKES_FALSE = Counter(
    "watchpost_camera_wakes_false_total", "Wakes by packet sizes after which no picture moved", ["camera"]
)
DECODER_FALLBACKS = Counter(
    "watchpost_decoder_fallbacks_total",
    "Times that software decoded because the camera's hardware decoder was not there",
    ["camera", "decoder"],
)
DECODER_FALLEN_BACK = Gauge(
    "watchpost_decoder_fallen_back",
    "1 while software decodes in place of a camera's hardware decoder",
    ["camera", "decoder"],
)
RING_BYTES = Gauge("watchpost_ring_bytes", "Coded packets kept for what came before", ["camera"])
CAMERA_RECONNECTS = Counter("watchpost_camera_reconnects_total", "Failed connections, by reason", ["camera", "reason"])
CAMERAS_REFUSED = Gauge("watchpost_cameras_refused", "Cameras beyond max_streams, which are not read")
CAMERA_ONLINE = Gauge("watchpost_camera_online", "1 while a camera delivers pictures", ["camera"])
FRAME_STORE_BYTES = Gauge("watchpost_frame_store_bytes", "Bytes of frames that this ingest process keeps")

# recordings
RECORDED_BYTES = Counter("watchpost_recorded_bytes_total", "Bytes of recordings written", ["camera"])
RECORDINGS_BYTES = Gauge("watchpost_recordings_bytes", "Bytes of all recordings that are kept")
PICTURES_NOT_RECORDED = Counter(
    "watchpost_pictures_not_recorded_total",
    "Pictures that recordings lack: slow_disk, disk, damaged, unsupported",
    ["camera", "reason"],
)
MAIN_STREAM_RECORDED = Gauge(
    "watchpost_main_stream_recorded",
    "1 while the main stream of a camera that is analysed by its substream comes to be recorded, else 0",
    ["camera"],
)
MAIN_STREAM_RECONNECTS = Counter(
    "watchpost_main_stream_reconnects_total",
    "Failed connections to main streams beside substreams, by reason",
    ["camera", "reason"],
)
SEGMENTS_EVICTED = Counter(
    "watchpost_segments_evicted_total", "Recordings deleted, by the bound: hours, bytes, headroom", ["bound"]
)
CLIPS = Counter("watchpost_clips_total", "Clips of events: cut, or missed for lack of footage or disk", ["result"])

# inference
FRAMES_ANALYZED = Counter("watchpost_frames_analyzed_total", "Frames analysed", ["camera"])
FRAMES_SKIPPED = Counter("watchpost_frames_skipped_total", "Frames answered without analysis", ["camera", "reason"])
INFERENCE_SECONDS = Histogram("watchpost_inference_seconds", "Time that the analyzer took for a batch")
INFERENCE_STAGE_SECONDS = Histogram(
    "watchpost_inference_stage_seconds",
    "Time of each frame until its batch began (queue), and of each batch by stage of work",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10),
)
INFERENCE_BATCH_FRAMES = Gauge("watchpost_inference_batch_frames", "Frames that the model's memory held at once")
INFERENCE_BATCHES_REFUSED = Counter("watchpost_inference_batches_refused_total", "Batches too large for the memory")
INFERENCE_CAPACITY_FPS = Gauge("watchpost_inference_capacity_fps", "Frames a second that the analyzer can look at")
INFERENCE_DEMAND_FPS = Gauge("watchpost_inference_demand_fps", "Frames a second that the worker's cameras send")
INFERENCE_LAG_RECORDS = Gauge("watchpost_inference_lag_records", "Frames waiting to be analysed")
REMOTE_SECONDS = Histogram("watchpost_remote_seconds", "Time until the model server answered a request")
REMOTE_LIMIT_REQUESTS = Gauge("watchpost_remote_limit_requests", "Requests that the model server takes at once")
REMOTE_FAILURES = Counter("watchpost_remote_failures_total", "Failures of the model server, by setting", ["setting"])

# events
EVENTS_EMITTED = Counter("watchpost_events_emitted_total", "Event revisions written", ["type", "phase"])
THUMBNAILS_MISSED = Counter("watchpost_thumbnails_missed_total", "Thumbnails without a frame", ["cause"])
THUMBNAILS_TAKEN = Counter("watchpost_thumbnails_taken_total", "Thumbnails written", ["reason"])

# bridge
BRIDGE_RECORDS = Counter("watchpost_bridge_records_total", "Records committed at the centre", ["producer"])
BRIDGE_BYTES_SENT = Gauge("watchpost_bridge_sent_bytes", "Bytes written to the centre's sockets", ["producer"])
BRIDGE_LAG_RECORDS = Gauge("watchpost_bridge_lag_records", "Records not yet at the centre", ["producer"])
BRIDGE_OLDEST_UNSENT_SECONDS = Gauge(
    "watchpost_bridge_oldest_unsent_seconds", "Age of the oldest record that is not at the centre", ["producer"]
)
BRIDGE_CATCH_UP_SECONDS = Gauge(
    "watchpost_bridge_catch_up_seconds", "Forecast until nothing waits any more; +Inf while that is not known"
)
BRIDGE_DROPPED_REPEATS = Counter("watchpost_bridge_dropped_repeats_total", "Replayed event revisions not sent again")
BRIDGE_LOST_RECORDS = Counter(
    "watchpost_bridge_lost_records_total", "Records that retention took before they were carried", ["producer"]
)
BRIDGE_CLIPS_UPLOADED = Counter("watchpost_bridge_clips_uploaded_total", "Clips brought to the centre's object store")
BRIDGE_CLIPS_WAITING = Gauge("watchpost_bridge_clips_waiting", "Clips not yet there")
BRIDGE_CLIP_FAILURES = Counter("watchpost_bridge_clip_failures_total", "Attempts at a clip that failed")
BRIDGE_DOWNLINK_RECORDS = Counter(
    "watchpost_bridge_downlink_records_total", "Records brought down from the centre", ["topic"]
)
BRIDGE_DOWNLINK_FOREIGN = Counter(
    "watchpost_bridge_downlink_foreign_total", "Verdicts of another site in this one's topic, not taken"
)
BRIDGE_LEADER = Gauge("watchpost_bridge_leader", "1 while this bridge holds the site's leadership")

# api
API_CALLS = Counter("watchpost_api_calls_total", "Calls answered", ["method", "route", "status"])
API_CALL_SECONDS = Histogram("watchpost_api_call_seconds", "Time until a call's answer began", ["method", "route"])
API_RECORDS_UNREADABLE = Counter("watchpost_api_unreadable_records_total", "Records passed over", ["topic"])

# every service
DEAD_LETTERS = Counter("watchpost_dead_letters_total", "Records buried", ["topic"])
