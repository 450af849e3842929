"""The defaults of the contract's parameters (section 2), as literals."""

MODEL = {
    "language": "en",
    "task": "transcribe",
    "model": "tiny",
    "device": "cuda",
    "device_index": 0,
    "threads": 0,
    "batch_size": 8,
    "chunk_size": 20,
    "compute_type": "float16",
}
ALIGNMENT = {
    "align_model": None,
    "interpolate_method": "nearest",
    "return_char_alignments": False,
}
DIARIZATION = {"min_speakers": None, "max_speakers": None}
ASR = {
    "beam_size": 5,
    "best_of": 5,
    "patience": 1.0,
    "length_penalty": 1.0,
    "temperatures": 0.0,
    "compression_ratio_threshold": 2.4,
    "log_prob_threshold": -1.0,
    "no_speech_threshold": 0.6,
    "initial_prompt": None,
    "suppress_tokens": [-1],
    "suppress_numerals": False,
    "hotwords": None,
}
VOICE = {"vad_onset": 0.5, "vad_offset": 0.363}
