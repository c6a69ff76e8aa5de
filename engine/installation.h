// SPDX-License-Identifier: Apache-2.0
// Where our own binaries, the Python with torch and CUDA's compiler are on this machine. Found once
// at start.
//
// ASSAY_HOME: folder with bin/ and python/ (default: above the folder of the running executable,
// else the build's); ASSAY_PYTHON: the Python that has torch (default: the one that the build was
// made for); CUDA_HOME: the toolkit, where the one that the build was made for is gone.
#pragma once

#include <string>
#include <vector>

#include "schemas/result.h"

namespace assay::engine {

struct Installation {
  std::string home;
  std::string keeper, judge, runner,
      compiler;                // absolute paths; judge and runner may be missing, see require()
  std::string python;          // executable, as named (a venv is found by its name)
  std::string python_modules;  // <home>/python
  std::string zygote_script;
  std::string cuda_directory;                    // empty: none
  std::string nvrtc_library;                     // empty: none
  std::vector<std::string> include_directories;  // CUDA's and CUB's

  std::string nvcc() const;  // its path; empty where there is no CUDA

  // Error: internal naming what is missing and how to get it. Missing optional parts leave their
  // field empty.
  static schemas::Result<Installation> find();
};

}  // namespace assay::engine
