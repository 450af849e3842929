"""The settings of `transcription`: each declared once, with kind, default and help."""

from uploads.conf import Option

# Private, loopback, link-local, shared, test, multicast and reserved ranges, and the one address
# among the public ones at which a cloud tells its secrets.
OWN_NETWORKS = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32"),
    *("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
    *("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
    *("240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23"),
    *("2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10"),
    *("fec0::/10", "ff00::/8"),
]


class TranscriptionConf:
    """What can be set about jobs and engines."""

    ENGINE = Option(
        "text",
        "faster-whisper",
        "The speech engine: `whisperx`, `faster-whisper` or `pocketsphinx`.",
    )
    WHISPER_MODEL = Option(
        "text", "small", "The model of uploads that name none: a name, or the path of a directory."
    )
    LANGUAGE_MODEL_OVERRIDES: Option[dict[str, str]] = Option(
        "map",
        {},
        "Models of recordings whose language is given, whatever model they name: JSON such as "
        '{"lv": "owner/name", "de": "/models/german"}, with repositories or directories.',
    )
    ALIGN_MODELS: Option[list[str]] = Option(
        "list",
        [],
        "Repositories of alignment models that clients may name as `align_model`, besides "
        "WhisperX's own and those that are there; `*`: any.",
    )
    MODELS_DIR = Option("path", "models", "Where models lie; relative to DATA_DIR.")
    HF_TOKEN = Option(
        "text",
        "",
        "The key of an account at huggingface.co, for models that are given on conditions, such "
        "as that which tells speakers apart.",
    )
    HF_ENDPOINT = Option("text", "", "The address of the model hub, where it is another one.")
    WORK_DIR = Option("path", "work", "Where decoded audio lies while a job runs.")
    DEVICE = Option("text", "auto", "`auto`, `cpu` or `cuda`.")
    COMPUTE_TYPE = Option("text", "default", "`default`, `int8`, `float16` or `float32`.")
    VAD_METHOD = Option(
        "text", "pyannote", "What finds the speech for WhisperX: `pyannote` or `silero`."
    )
    THREADS = Option("number", 0, "Processor threads of the engine; 0: the engine's own choice.")
    MAX_CONCURRENT_GPU_TASKS = Option("count", 1, "Jobs that use one graphics card at once.")
    MODEL_IDLE_SECONDS = Option(
        "seconds", 300, "The engine leaves memory after so long without a job."
    )
    MODEL_STALL_SECONDS = Option(
        "seconds", 10, "A model download that brings no byte for so long is given up."
    )
    ENGINE_STALL_SECONDS = Option(
        "seconds",
        900,
        "An engine that gives no news for so long, and a tenth of the recording's length, hangs: "
        "it is ended, as if it had died.",
    )
    LANGUAGE_PATTERNS: Option[list[str]] = Option(
        "list",
        [],
        "Languages by parts of file names, such as A03=lv,A04=ru: for uploads that name none.",
    )
    PROBE_TIMEOUT = Option(
        "seconds",
        900,
        "A recording posted to the API whose sound takes longer to read is refused.",
        old_name="MEASURE_SECONDS",
    )
    DECODER_MEMORY = Option(
        "bytes",
        1024**3,
        "A file is refused, or its job fails, where reading its sound takes more memory.",
    )
    OPENAI_TIMEOUT = Option(
        "seconds",
        540,
        "How long a request to `/v1/audio/` waits for its transcript, unless it is a stream; "
        "OpenAI's clients give up after ten minutes.",
    )
    OPENAI_KEEP = Option(
        "flag",
        True,
        "Keep jobs and recordings of `/v1/audio/` like all others; `0`: delete them when answered.",
    )
    JOB_LEASE_SECONDS = Option(
        "seconds", 60, "A job whose worker gives no sign of life for so long is run again."
    )
    CALLBACK_TIMEOUT = Option(
        "seconds", 10, "A receiver of a callback that takes longer to answer is tried again."
    )
    CALLBACK_MAX_RETRIES = Option(
        "count", 3, "Tries of a callback in quick succession: a second apart, then two, then four."
    )
    CALLBACK_RETRY_WINDOW = Option(
        "seconds",
        86400,
        "For so long, ever more slowly, a callback is tried after that; 0: not at all.",
        old_name="CALLBACK_PATIENCE",
    )
    DOWNLOAD_TIMEOUT = Option(
        "seconds", 3600, "A recording given by URL that takes longer to fetch is refused."
    )
    SSRF_PROTECTION_ENABLED = Option(
        "flag",
        True,
        "Whether URLs that clients name, for recordings and callbacks, are kept out of the "
        "networks below.",
    )
    SSRF_ALLOWED_SCHEMES: Option[list[str]] = Option(
        "list", ["http", "https"], "The schemes that such URLs may have."
    )
    SSRF_BLOCKED_NETWORKS: Option[list[str]] = Option(
        "list", OWN_NETWORKS, "The networks that such URLs may not lead to."
    )


conf = TranscriptionConf()
