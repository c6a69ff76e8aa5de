# SPDX-License-Identifier: Apache-2.0
"""NVRTC in a process of its own: a crash of it, or a template without an end, costs no more than this process. Run as a
program: a request as JSON on standard input, the cubin into its file, the answer as JSON on standard output.

{"library", "source", "options", "names", "cubin"} -> {"ok", "log"}
"""

import ctypes
import glob
import json
import os
import sys


class Nvrtc:
    def __init__(self, path):
        for builtins in glob.glob(os.path.join(os.path.dirname(path), "libnvrtc-builtins.so*")):
            ctypes.CDLL(builtins, mode=ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(path)

    def __getattr__(self, name):
        return getattr(self._library, name)

    def _text(self, size_of, text_of, program):
        size = ctypes.c_size_t()
        if getattr(self, size_of)(program, ctypes.byref(size)) != 0:
            return b""
        text = ctypes.create_string_buffer(size.value)
        getattr(self, text_of)(program, text)
        return text.raw

    def compile(self, source, options, names):
        """(cubin or None, log)"""
        program = ctypes.c_void_p()
        status = self.nvrtcCreateProgram(ctypes.byref(program), source.encode("utf-8", "surrogateescape"), b"device.cu", 0, None, None)
        if status != 0:
            return None, f"nvrtcCreateProgram: {status}"
        for name in names:
            self.nvrtcAddNameExpression(program, name.encode())
        texts = [option.encode() for option in options]
        status = self.nvrtcCompileProgram(program, len(texts), (ctypes.c_char_p * len(texts))(*texts))
        log = self._text("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", program).rstrip(b"\0").decode("utf-8", "replace")
        return (self._text("nvrtcGetCUBINSize", "nvrtcGetCUBIN", program) if status == 0 else None), log


def main():
    request = json.load(sys.stdin)
    cubin, log = Nvrtc(request["library"]).compile(request["source"], request["options"], request["names"])
    if cubin is not None:
        with open(request["cubin"], "wb") as file:
            file.write(cubin)
    json.dump({"ok": cubin is not None, "log": log}, sys.stdout)


if __name__ == "__main__":
    main()
