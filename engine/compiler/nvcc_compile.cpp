// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler/nvcc_compile.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <unistd.h>
#include <utility>

#include "engine/compiler/child_process.h"
#include "engine/compiler/compile_log.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/cubin.h"
#include "engine/compiler/kernel_choice.h"

namespace assay::engine {

namespace fs = std::filesystem;
using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;
using Outcome = CompileAnswer::Outcome;

namespace {

constexpr std::size_t kMaxOutputBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxVersionBytes = 4096;
constexpr const char* kSourceName = "kernel.cu";
constexpr const char* kImageName = "kernel.cubin";
// The line that asks for the kernel by its name, and what it makes there.
constexpr const char* kNvccNamePlace = "kernel_name";
constexpr const char* kMarkerNamespace = "assay_chosen_kernel";

// A folder that goes with everything in it.
class WorkFolder {
 public:
  WorkFolder() {
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "nvcc-XXXXXX").string();
    if (!error && ::mkdtemp(pattern.data()) != nullptr) {
      path_ = pattern;
    }
  }
  ~WorkFolder() {
    std::error_code error;
    if (!path_.empty()) {
      fs::remove_all(path_, error);
    }
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A kernel whose symbol says which function the name means: templates are instantiated by it,
// overloads and aliases resolved, as NVRTC does for a name expression.
std::string marker(const std::string& name) {
  return std::string("\n#line 1 \"") + kNvccNamePlace + "\"\nnamespace " + kMarkerNamespace +
         " { template <typename Type, Type function> __global__ void chosen() {} template "
         "__global__ void chosen<decltype(&" +
         name + "), (&" + name + ")>(); }\n";
}

bool is_marker(const CubinKernel& kernel) {
  return kernel.readable.find(std::string(kMarkerNamespace) + "::chosen<") != std::string::npos;
}

// Where the parameter list begins in "deep::inner(int*)".
std::size_t parameters_begin(const std::string& readable) {
  int depth = 0;
  for (std::size_t at = readable.size(); at-- > 0;) {
    depth += readable[at] == ')' ? 1 : readable[at] == '(' ? -1 : 0;
    if (depth == 0) {
      return at;
    }
  }
  return readable.size();
}

// Whether a marker names a kernel. As the demangler writes it: "&(void add<float>(float*))" and
// "&(add(int*))", but "&deep::inner" behind the type "void (*)(int*)"; a function of C's linkage
// has parameters in the marker only.
bool names(const std::string& said, const CubinKernel& kernel) {
  const std::size_t begin = parameters_begin(kernel.readable);
  return said.ends_with(", &(" + kernel.readable + ")>()") ||
         said.ends_with("<void (*)" + kernel.readable.substr(begin) + ", &" +
                        kernel.readable.substr(0, begin) + ">()") ||
         (kernel.readable == kernel.symbol &&
          said.find(", &(" + kernel.symbol + "(") != std::string::npos);
}

// Takes the marker out of the kernels. The symbol of the one that it names, or an empty string.
std::string take_marker(std::vector<CubinKernel>& kernels) {
  const auto found = std::find_if(kernels.begin(), kernels.end(), is_marker);
  if (found == kernels.end()) {
    return {};
  }
  const std::string said = found->readable;
  std::erase_if(kernels, is_marker);
  const auto meant = std::find_if(kernels.begin(), kernels.end(),
                                  [&](const CubinKernel& kernel) { return names(said, kernel); });
  return meant == kernels.end() ? "" : meant->symbol;
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return std::move(text).str();
}

std::string version(const std::string& nvcc, const std::string& folder) {
  const auto said = run_child({nvcc, "--version"}, folder, kMaxVersionBytes);
  const std::string text = said ? said->output : "";
  const std::size_t found = text.find(", V");
  return found == std::string::npos
             ? "nvcc"
             : "nvcc " + text.substr(found + 3, text.find('\n', found) - found - 3);
}

// One kernel's way through nvcc, once with its name and, where that fails, once without.
class Compilation {
 public:
  Compilation(const CompileTask& task, const CompileOptions& options, std::string folder)
      : task_(task), options_(options), folder_(std::move(folder)) {}

  Result<CompileAnswer> run() {
    const std::string wanted = task_.kernel.metadata.kernel_name.value_or("");
    const bool is_symbol = wanted.starts_with("_Z");
    auto end = compile(wanted.empty() || is_symbol ? "" : marker(wanted));
    if (!end) {
      return end.error();
    }
    if (end->status != 0 && failed_part(end->output, kNvccNamePlace) == FailedPart::name) {
      end = compile("");
      if (!end) {
        return end.error();
      }
    }
    if (end->status != 0) {
      return refused(Outcome::compile_error,
                     "compilation failed: nvcc ended with status " + std::to_string(end->status),
                     shown(end->output), end->output);
    }
    std::string cubin = file_text(folder_ + "/" + kImageName);
    std::vector<CubinKernel> kernels = read_kernels(cubin);
    const std::string lowered = take_marker(kernels);
    CompileAnswer answer = answer_with(std::move(cubin), kernels, wanted, lowered, end->output);
    if (answer.outcome != Outcome::compile_error) {
      answer.log = shown(end->output);
    }
    answer.whole_log = end->output;
    answer.tool = version(task_.nvcc, folder_);
    return answer;
  }

 private:
  Result<ChildEnd> compile(const std::string& appended) const {
    {
      std::ofstream file(folder_ + "/" + kSourceName, std::ios::binary);
      for (const std::string& line : options_.macro_lines) {
        file << line << "\n";
      }
      file << "#line 1 \"" << kSourceName << "\"\n" << task_.kernel.source_code << appended << "\n";
      if (!file.flush()) {
        return Error{ErrorCode::internal, "cannot write the source in " + folder_, true, {}};
      }
    }
    std::vector<std::string> arguments = {
        task_.nvcc,         "--cubin",
        "--resource-usage", "--gpu-architecture=" + options_.architecture,
        "--output-file",    kImageName};
    arguments.insert(arguments.end(), options_.forwarded.begin(), options_.forwarded.end());
    arguments.emplace_back(kSourceName);
    return run_child(arguments, folder_, kMaxOutputBytes);
  }

  std::string shown(const std::string& log) const {
    std::vector<std::string> directories = task_.include_directories;
    directories.push_back(folder_);
    return shorten_log(log, directories, options_.notes);
  }

  const CompileTask& task_;
  const CompileOptions& options_;
  const std::string folder_;
};

}  // namespace

Result<CompileAnswer> compile_with_nvcc(const CompileTask& task) {
  const schemas::KernelMetadata& metadata = task.kernel.metadata;
  const auto options = read_compile_options(metadata.compiler_options, task.architecture,
                                            schemas::CudaBackend::nvcc);
  if (!options) {
    return refused(Outcome::contract_error, options.error().message);
  }
  if (task.nvcc.empty() || ::access(task.nvcc.c_str(), X_OK) != 0) {
    return Error{ErrorCode::internal,
                 "metadata.backend \"nvcc\": there is no nvcc on this server; use \"nvrtc\"",
                 false,
                 {}};
  }
  if (task.kernel.source_code.find('\0') != std::string::npos) {
    return refused(Outcome::compile_error, "the source holds a NUL character");
  }
  const std::string name = metadata.kernel_name.value_or("");
  if (name.find_first_of("\n\r\\#") != std::string::npos) {
    return refused(Outcome::contract_error, "kernel_name must be one C++ expression on one line");
  }
  const WorkFolder folder;
  if (folder.path().empty()) {
    return Error{ErrorCode::internal, "cannot make a folder for nvcc", true, {}};
  }
  return Compilation(task, *options, folder.path()).run();
}

}  // namespace assay::engine
