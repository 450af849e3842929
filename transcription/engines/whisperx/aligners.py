"""whisperx's table of alignment models for each language, as assets to download.

whisperx's own tables take ten seconds and 500 MB to import, and are needed in processes that must
stay small. A test compares them.
"""

from __future__ import annotations

from pathlib import Path

from transcription.engines import models
from transcription.engines.base import ANY, EngineError, Request
from transcription.engines.model_files import assets

BUNDLES = {
    "WAV2VEC2_ASR_BASE_10M": "wav2vec2_fairseq_base_ls960_asr_ll10m.pth",
    "WAV2VEC2_ASR_BASE_100H": "wav2vec2_fairseq_base_ls960_asr_ls100.pth",
    "WAV2VEC2_ASR_BASE_960H": "wav2vec2_fairseq_base_ls960_asr_ls960.pth",
    "WAV2VEC2_ASR_LARGE_10M": "wav2vec2_fairseq_large_ls960_asr_ll10m.pth",
    "WAV2VEC2_ASR_LARGE_100H": "wav2vec2_fairseq_large_ls960_asr_ls100.pth",
    "WAV2VEC2_ASR_LARGE_960H": "wav2vec2_fairseq_large_ls960_asr_ls960.pth",
    "WAV2VEC2_ASR_LARGE_LV60K_10M": "wav2vec2_fairseq_large_lv60k_asr_ll10m.pth",
    "WAV2VEC2_ASR_LARGE_LV60K_100H": "wav2vec2_fairseq_large_lv60k_asr_ls100.pth",
    "WAV2VEC2_ASR_LARGE_LV60K_960H": "wav2vec2_fairseq_large_lv60k_asr_ls960.pth",
    "VOXPOPULI_ASR_BASE_10K_EN": "wav2vec2_voxpopuli_base_10k_asr_en.pt",
    "VOXPOPULI_ASR_BASE_10K_ES": "wav2vec2_voxpopuli_base_10k_asr_es.pt",
    "VOXPOPULI_ASR_BASE_10K_DE": "wav2vec2_voxpopuli_base_10k_asr_de.pt",
    "VOXPOPULI_ASR_BASE_10K_FR": "wav2vec2_voxpopuli_base_10k_asr_fr.pt",
    "VOXPOPULI_ASR_BASE_10K_IT": "wav2vec2_voxpopuli_base_10k_asr_it.pt",
    "HUBERT_ASR_LARGE": "hubert_fairseq_large_ll60k_asr_ls960.pth",
    "HUBERT_ASR_XLARGE": "hubert_fairseq_xlarge_ll60k_asr_ls960.pth",
}
"""The file of each model that torchaudio has by name."""
BY_LANGUAGE = {
    "en": "WAV2VEC2_ASR_BASE_960H",
    "fr": "VOXPOPULI_ASR_BASE_10K_FR",
    "de": "VOXPOPULI_ASR_BASE_10K_DE",
    "es": "VOXPOPULI_ASR_BASE_10K_ES",
    "it": "VOXPOPULI_ASR_BASE_10K_IT",
    "ja": "jonatasgrosman/wav2vec2-large-xlsr-53-japanese",
    "zh": "jonatasgrosman/wav2vec2-large-xlsr-53-chinese-zh-cn",
    "nl": "jonatasgrosman/wav2vec2-large-xlsr-53-dutch",
    "uk": "Yehor/wav2vec2-xls-r-300m-uk-with-small-lm",
    "pt": "jonatasgrosman/wav2vec2-large-xlsr-53-portuguese",
    "ar": "jonatasgrosman/wav2vec2-large-xlsr-53-arabic",
    "cs": "comodoro/wav2vec2-xls-r-300m-cs-250",
    "ru": "jonatasgrosman/wav2vec2-large-xlsr-53-russian",
    "pl": "jonatasgrosman/wav2vec2-large-xlsr-53-polish",
    "hu": "jonatasgrosman/wav2vec2-large-xlsr-53-hungarian",
    "fi": "jonatasgrosman/wav2vec2-large-xlsr-53-finnish",
    "fa": "jonatasgrosman/wav2vec2-large-xlsr-53-persian",
    "el": "jonatasgrosman/wav2vec2-large-xlsr-53-greek",
    "tr": "mpoyraz/wav2vec2-xls-r-300m-cv7-turkish",
    "da": "saattrupdan/wav2vec2-xls-r-300m-ftspeech",
    "he": "imvladikon/wav2vec2-xls-r-300m-hebrew",
    "vi": "nguyenvulebinh/wav2vec2-base-vi-vlsp2020",
    "ko": "kresnik/wav2vec2-large-xlsr-korean",
    "ur": "kingabzpro/wav2vec2-large-xls-r-300m-Urdu",
    "te": "anuragshas/wav2vec2-large-xlsr-53-telugu",
    "hi": "theainerd/Wav2Vec2-large-xlsr-hindi",
    "ca": "softcatala/wav2vec2-large-xlsr-catala",
    "ml": "gvs/wav2vec2-large-xlsr-malayalam",
    "no": "NbAiLab/nb-wav2vec2-1b-bokmaal-v2",
    "nn": "NbAiLab/nb-wav2vec2-1b-nynorsk",
    "sk": "comodoro/wav2vec2-xls-r-300m-sk-cv8",
    "sl": "anton-l/wav2vec2-large-xlsr-53-slovenian",
    "hr": "classla/wav2vec2-xls-r-parlaspeech-hr",
    "ro": "gigant/romanian-wav2vec2",
    "eu": "stefan-it/wav2vec2-large-xlsr-53-basque",
    "gl": "ifrz/wav2vec2-large-xlsr-galician",
    "ka": "xsway/wav2vec2-large-xlsr-georgian",
    "lv": "jimregan/wav2vec2-large-xlsr-latvian-cv",
    "tl": "Khalsuu/filipino-wav2vec2-l-xls-r-300m-official",
    "sv": "KBLab/wav2vec2-large-voxrex-swedish",
    "id": "cahya/wav2vec2-large-xlsr-indonesian",
}
"""The default for each language: one of BUNDLES, or a repository of the hub."""


LARGE = "large"
SIZES = {"xlarge": 3850, "-1b-": 3850, "base": 378, LARGE: 1262}
"""Kinds of models by a part of their names, with megabytes; others count as large ones."""
NOT_OURS = (
    'This site doesn\'t download the alignment model "{0}" for clients; '
    "its administrator can download it (manage.py fetch_models --align-model {0}), or name it in "
    "ALIGN_MODELS."
)


def wanted(request: Request) -> str:
    """The model to use: a name of BUNDLES, a repository, a local folder; "": there is none."""
    asked = request.options.get("align_model")
    return str(asked or BY_LANGUAGE.get(request.language or "", ""))


def folder_of(model: str) -> Path | None:
    """The local folder; None if it is a name."""
    if model in BUNDLES or not models.is_path(model):
        return None
    return models.folder_of(model)


def may_be_asked_for(request: Request) -> bool:
    """Whether the model is there, or is one that clients may make the site download.

    Clients name it: they must not fill the disk with repositories of their choice, or read private
    ones with the site's key.
    """
    model = wanted(request)
    if model in BUNDLES or model in BY_LANGUAGE.values():
        return True
    if model in request.aligners or ANY in request.aligners:
        return True
    return not assets.problem(request.models_dir, assets.hub_aligner(model, model, ""))


def asset(request: Request) -> assets.Asset | None:
    """The model as an asset; None if there is none, it is a local folder, or the site doesn't
    download it for clients.

    Raises:
        EngineError: There is no model of that name.
    """
    model = wanted(request)
    if not model or folder_of(model):
        return None
    language = request.language or ""
    usual = model == BY_LANGUAGE.get(language)
    name = language if usual else model
    label = f'the alignment model for "{language}"' if usual else f'the alignment model "{model}"'
    if model in BUNDLES:
        return assets.torchaudio_aligner(BUNDLES[model], name, label, size_of(model))
    if not models.REPOSITORY.match(model):
        raise EngineError("unknown_model", f'There is no alignment model named "{model}".')
    if not may_be_asked_for(request):
        return None
    return assets.hub_aligner(model, name, label, size_of(model))


def size_of(model: str) -> int | None:
    """The approximate size of the download in bytes: four for each parameter; None: unknown."""
    if model not in BUNDLES and model not in BY_LANGUAGE.values():
        return None
    kinds = (kind for kind in SIZES if kind in model.lower())
    return SIZES[next(kinds, LARGE)] * 1_000_000


def problem(request: Request) -> str:
    """Why the language of the request can't be aligned; "" if it can."""
    model, language = wanted(request), request.language or "an unknown language"
    if not model:
        return f'WhisperX has no alignment model for "{language}".'
    if folder := folder_of(model):
        # Shown to clients: they must not learn about, or read, other files here.
        if not models.is_below(folder, request.models_dir):
            return "Your own alignment model must be in the models folder (MODELS_DIR)."
        found = assets.folder_problem(folder, assets.hub_aligner(model, "", "").needs)
        return f'The alignment model "{model}" is not usable: {found}.' if found else ""
    aligner = asset(request)
    if aligner is None:
        return NOT_OURS.format(model)
    found = assets.problem(request.models_dir, aligner)
    label = aligner.label[:1].upper() + aligner.label[1:]
    return f"{label} is not available: {found}." if found else ""


def place(request: Request) -> tuple[str, str]:
    """The arguments for whisperx: the model's name or folder, and its `model_dir`."""
    model = wanted(request)
    if folder := folder_of(model):
        return str(folder), ""
    found = asset(request)
    assert found
    folder = assets.directory(request.models_dir, found)
    return (model, str(folder)) if model in BUNDLES else (str(folder), "")
