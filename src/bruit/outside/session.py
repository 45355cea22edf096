"""onnxruntime's sessions, as bruit opens them: from memory, on the processor, quiet, and waiting without spinning."""

from __future__ import annotations

from typing import Any

from bruit.errors import ModelError
from bruit.locale import printable


def open_session(content: bytes, threads: int | None = None) -> Any:
    """An onnxruntime.InferenceSession of one ONNX file; by default it computes with a thread for each core.

    Raises ModelError for what onnxruntime does not open.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        # With its fallback it would try damaged files twice, and tell standard output.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=False)
    except Exception as error:  # onnxruntime fails in many ways
        raise ModelError("onnxruntime cannot open it ({error})", error=first_line(error)) from error


def first_line(error: Exception) -> str:
    """What a library says of its failure, short enough for one line."""
    return printable(next(iter(str(error).strip().splitlines()), type(error).__name__), 160)
