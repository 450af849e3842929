"""The settings of `transcription`: each declared once, with its kind, default and help text."""

from uploads.conf import Option

# Private, loopback, link-local, shared, test, multicast and reserved ranges, and the one public
# address at which a cloud serves its metadata and secrets.
OWN_NETWORKS = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32"),
    *("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
    *("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
    *("240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23"),
    *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10"),
    *("fec0::/10", "ff00::/8"),
]


class TranscriptionConf:
    """The settings of jobs and engines."""

    ENGINE = Option(
        "text",
        "faster-whisper",
        "The speech engine: `whisperx` or `faster-whisper`.",
    )
    WHISPER_MODEL = Option(
        "text", "small", "The default Whisper model: a name, or the path of a directory."
    )
    LANGUAGE_MODEL_OVERRIDES: Option[dict[str, str]] = Option(
        "map",
        {},
        "The model for recordings in a given language, whatever model they ask for. JSON such as "
        '{"lv": "owner/name", "de": "/models/german"}: repositories or directories.',
    )
    ALIGN_MODELS: Option[list[str]] = Option(
        "list",
        [],
        "Repositories that clients may name as `align_model`, besides WhisperX's own models and "
        "those already downloaded; `*`: any.",
    )
    MODELS_DIR = Option("path", "models", "The folder for models; relative to DATA_DIR.")
    HF_TOKEN = Option(
        "text",
        "",
        "An access token of huggingface.co, for gated models such as the diarization model.",
    )
    HF_ENDPOINT = Option("text", "", "The address of another model hub, such as a mirror.")
    WORK_DIR = Option("path", "work", "The folder for decoded audio while a job runs.")
    DEVICE = Option("text", "auto", "`auto`, `cpu` or `cuda`.")
    COMPUTE_TYPE = Option("text", "default", "`default`, `int8`, `float16` or `float32`.")
    VAD_METHOD = Option(
        "text", "pyannote", "Voice activity detection for WhisperX: `pyannote` or `silero`."
    )
    THREADS = Option("number", 0, "CPU threads of the engine; 0: the engine's default.")
    MAX_CONCURRENT_GPU_TASKS = Option("count", 1, "Jobs that use one GPU at the same time.")
    MODEL_IDLE_SECONDS = Option(
        "seconds", 300, "The engine is unloaded from memory after this time without a job."
    )
    MODEL_STALL_SECONDS = Option(
        "seconds", 10, "A model download that brings no bytes for this time is stopped."
    )
    ENGINE_STALL_SECONDS = Option(
        "seconds",
        900,
        "An engine that reports nothing for this time plus a tenth of the recording's length is "
        "ended, as if it had crashed.",
    )
    LANGUAGE_PATTERNS: Option[list[str]] = Option(
        "list",
        [],
        "Languages by parts of the file name, such as A03=lv,A04=ru, if none is given.",
    )
    PROBE_TIMEOUT = Option(
        "seconds",
        900,
        "A recording posted to the API is refused if reading its audio takes longer.",
        old_name="MEASURE_SECONDS",
    )
    DECODER_MEMORY = Option(
        "bytes",
        1024**3,
        "A file is refused, or its job fails, if reading its audio takes more memory.",
    )
    OPENAI_TIMEOUT = Option(
        "seconds",
        540,
        "How long a request to `/v1/audio/` waits for its transcript, unless it streams; OpenAI's "
        "clients stop waiting after ten minutes.",
    )
    OPENAI_KEEP = Option(
        "flag",
        True,
        "Keep the jobs and recordings of `/v1/audio/`; `0`: delete them after the answer.",
    )
    JOB_LEASE_SECONDS = Option(
        "seconds", 60, "A job whose worker sends no heartbeat for this time is requeued."
    )
    JOB_TURN_SECONDS = Option(
        "seconds",
        60,
        "A job that has worked for this time, and ten times as long as its model took to load, is "
        "paused if others wait.",
    )
    CALLBACK_TIMEOUT = Option(
        "seconds", 10, "A webhook is retried if its receiver takes longer to answer."
    )
    CALLBACK_MAX_RETRIES = Option(
        "count", 3, "The first tries of a webhook: one second apart, then two, then four."
    )
    CALLBACK_RETRY_WINDOW = Option(
        "seconds",
        86400,
        "How long a webhook is retried after that, with growing pauses; 0: not at all.",
        old_name="CALLBACK_PATIENCE",
    )
    DOWNLOAD_TIMEOUT = Option(
        "seconds", 3600, "A recording given by URL is refused if its download takes longer."
    )
    SSRF_PROTECTION_ENABLED = Option(
        "flag",
        True,
        "Refuse URLs from clients (recordings and webhooks) that lead into the networks below.",
    )
    SSRF_ALLOWED_SCHEMES: Option[list[str]] = Option(
        "list", ["http", "https"], "The URL schemes that clients may use."
    )
    SSRF_BLOCKED_NETWORKS: Option[list[str]] = Option(
        "list", OWN_NETWORKS, "The networks that such URLs must not lead to."
    )


conf = TranscriptionConf()
