"""tuspyserver with its file storage; BENCH_FILES names the directory. Run by uvicorn."""

import os

from fastapi import FastAPI  # type: ignore[import-not-found]
from tuspyserver import create_tus_router  # type: ignore[import-not-found]

app = FastAPI()
app.include_router(create_tus_router(prefix="files", files_dir=os.environ["BENCH_FILES"]))
