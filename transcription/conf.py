"""The settings of `transcription`: each declared once, with kind, default and help."""

from uploads.conf import Option


class TranscriptionConf:
    """What can be set about jobs and engines."""

    ENGINE = Option(
        "text", "faster-whisper", "The speech engine: `faster-whisper` or `pocketsphinx`."
    )
    WHISPER_MODEL = Option(
        "text", "small", "The model of uploads that name none: a name, or the path of a directory."
    )
    MODELS_DIR = Option("path", "models", "Where models lie; relative to DATA_DIR.")
    WORK_DIR = Option("path", "work", "Where decoded audio lies while a job runs.")
    DEVICE = Option("text", "auto", "`auto`, `cpu` or `cuda`.")
    COMPUTE_TYPE = Option("text", "default", "`default`, `int8`, `float16` or `float32`.")
    THREADS = Option("number", 0, "Processor threads of the engine; 0: the engine's own choice.")
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
    JOB_LEASE_SECONDS = Option(
        "seconds", 60, "A job whose worker gives no sign of life for so long is run again."
    )


conf = TranscriptionConf()
