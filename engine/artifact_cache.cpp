// SPDX-License-Identifier: Apache-2.0
#include "engine/artifact_cache.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <openssl/evp.h>
#include <sys/stat.h>

namespace assay::engine {

namespace fs = std::filesystem;
using schemas::Error;
using schemas::ErrorCode;
using schemas::Json;
using schemas::Result;

namespace {

constexpr std::string_view kHeader = "assay artifact 2\n";
constexpr std::size_t kHashDigits = 64;
constexpr std::string_view kUnfinishedSuffix = ".new";

std::string sha256_hex(const std::vector<std::string_view>& parts) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const std::string_view part : parts) {
    EVP_DigestUpdate(context.get(), part.data(), part.size());
  }
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4];
    hex += digits[digest[i] & 15];
  }
  return hex;
}

std::string length_bytes(std::size_t length) {
  std::string bytes;
  for (unsigned int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>((length >> shift) & 0xff);
  }
  return bytes;
}

std::size_t read_length(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return length;
}

std::string encode(const Artifact& artifact) {
  const std::string json =
      schemas::dump_json({{"kernel_name", artifact.kernel_name},
                          {"tier", artifact.tier == RunnerTier::device ? "device" : "host"},
                          {"launch", artifact.launch},
                          {"needs_gpu", artifact.needs_gpu},
                          {"report", schemas::to_json(artifact.report)}});
  const std::string length = length_bytes(json.size());
  std::string file(kHeader);
  file += sha256_hex({length, json, artifact.binary});
  file += '\n';
  file += length;
  file += json;
  file += artifact.binary;
  return file;
}

std::optional<Artifact> decode(std::string_view file) {
  if (file.substr(0, kHeader.size()) != kHeader) {
    return std::nullopt;
  }
  file.remove_prefix(kHeader.size());
  if (file.size() < kHashDigits + 1 + 4) {
    return std::nullopt;
  }
  const std::string_view hash = file.substr(0, kHashDigits);
  std::string_view content = file.substr(kHashDigits + 1);
  if (sha256_hex({content}) != hash) {
    return std::nullopt;
  }
  const std::size_t length = read_length(content);
  content.remove_prefix(4);
  if (length > content.size()) {
    return std::nullopt;
  }
  const auto json = schemas::parse_json(content.substr(0, length));
  if (!json || !json->is_object() || !json->contains("report")) {
    return std::nullopt;
  }
  schemas::Diagnostics diagnostics;
  Artifact artifact;
  artifact.kernel_name = json->value("kernel_name", "");
  artifact.tier = json->value("tier", "") == "host" ? RunnerTier::host : RunnerTier::device;
  artifact.launch = json->value("launch", Json::object());
  artifact.needs_gpu = json->value("needs_gpu", true);
  artifact.report = schemas::read_compile_report((*json)["report"], "report", diagnostics);
  artifact.binary = content.substr(length);
  return diagnostics.errors.empty() ? std::optional(std::move(artifact)) : std::nullopt;
}

Error file_error(const std::string& what, const std::string& path) {
  return {ErrorCode::internal, what + " " + path + ": " + std::strerror(errno), true, {}};
}

// Closes on every way out.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return fd_ >= 0; }
  bool write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool sync() const { return ::fsync(fd_) == 0; }

 private:
  int fd_;
};

}  // namespace

std::string content_key(const std::vector<std::string_view>& parts) {
  std::vector<std::string> lengths;
  lengths.reserve(parts.size());
  for (const std::string_view part : parts) {
    lengths.push_back(length_bytes(part.size()));
  }
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    pieces.push_back(lengths[i]);
    pieces.push_back(parts[i]);
  }
  return sha256_hex(pieces);
}

// One build in flight. `result` is set when it ended in a way that others may share.
struct ArtifactCache::Building {
  bool ended = false;
  std::optional<BuildResult> result;
};

ArtifactCache::ArtifactCache(std::string directory, std::int64_t max_bytes)
    : directory_(std::move(directory)), max_bytes_(max_bytes) {}

Result<std::unique_ptr<ArtifactCache>> ArtifactCache::open(const std::string& directory,
                                                           std::int64_t max_bytes) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    return Error{
        ErrorCode::internal, "cannot make " + directory + ": " + error.message(), false, {}};
  }
  fs::permissions(directory, fs::perms::owner_all, error);
  std::unique_ptr<ArtifactCache> cache(new ArtifactCache(directory, max_bytes));
  cache->count_bytes();
  return cache;
}

void ArtifactCache::count_bytes() {
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) {
      continue;
    }
    if (at->path().extension() == kUnfinishedSuffix) {
      fs::remove(at->path(), error);  // of a process that was killed while it wrote
    } else {
      stored_bytes_ += static_cast<std::int64_t>(at->file_size(error));
    }
  }
}

std::string ArtifactCache::path_of(const std::string& key) const {
  return directory_ + "/" + key.substr(0, 2) + "/" + key;
}

std::optional<Artifact> ArtifactCache::load(const std::string& key) {
  const std::string path = path_of(key);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) {
    return std::nullopt;
  }
  std::optional<Artifact> artifact;
  if (size <= kMaxArtifactBytes) {
    std::string bytes(size, '\0');
    std::ifstream file(path, std::ios::binary);
    if (file.read(bytes.data(), static_cast<std::streamsize>(size))) {
      artifact = decode(bytes);
    }
  }
  if (artifact) {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // the time of its last use
  } else if (fs::remove(path, error)) {
    const std::lock_guard lock(mutex_);
    stored_bytes_ -= static_cast<std::int64_t>(size);
  }
  return artifact;
}

schemas::Status ArtifactCache::store(const std::string& key, const Artifact& artifact) {
  const std::string bytes = encode(artifact);
  if (bytes.size() > kMaxArtifactBytes) {
    return Error{
        ErrorCode::internal,
        "an artifact of " + std::to_string(bytes.size()) + " bytes is too large for the cache",
        false,
        {}};
  }
  make_room(static_cast<std::int64_t>(bytes.size()));
  const std::string path = path_of(key);
  const std::string folder = fs::path(path).parent_path();
  const std::string unfinished = path + std::string(kUnfinishedSuffix);
  std::error_code error;
  fs::create_directories(folder, error);
  {
    const File file(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok() || !file.write_all(bytes) || !file.sync()) {
      const Error failure = file_error("cannot write", unfinished);
      fs::remove(unfinished, error);
      return failure;
    }
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    return file_error("cannot rename", unfinished);
  }
  File(folder, O_RDONLY | O_DIRECTORY).sync();  // the name, too
  const std::lock_guard lock(mutex_);
  stored_bytes_ += static_cast<std::int64_t>(bytes.size());
  return schemas::success();
}

void ArtifactCache::make_room(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (stored_bytes_ + bytes <= max_bytes_) {
    return;
  }
  struct Stored {
    fs::file_time_type used;
    fs::path path;
    std::int64_t bytes;
  };
  std::vector<Stored> files;
  std::error_code error;
  stored_bytes_ = 0;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error) && at->path().extension() != kUnfinishedSuffix) {
      files.push_back({at->last_write_time(error), at->path(),
                       static_cast<std::int64_t>(at->file_size(error))});
      stored_bytes_ += files.back().bytes;
    }
  }
  std::sort(files.begin(), files.end(),
            [](const Stored& a, const Stored& b) { return a.used < b.used; });
  for (const Stored& file : files) {
    if (stored_bytes_ + bytes <= max_bytes_) {
      break;
    }
    if (fs::remove(file.path, error)) {
      stored_bytes_ -= file.bytes;
    }
  }
}

Result<BuildResult> ArtifactCache::find_or_build(const std::string& key, Cancellation& cancellation,
                                                 std::chrono::steady_clock::time_point deadline,
                                                 const Build& build) {
  cancellation.on_cancel([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  struct ClearWaker {
    Cancellation& cancellation;
    ~ClearWaker() { cancellation.on_cancel({}); }
  };
  auto own = std::make_shared<Building>();
  {
    const ClearWaker clear{cancellation};
    std::unique_lock lock(mutex_);
    while (true) {
      const auto [entry, first] = building_.try_emplace(key, own);
      if (first) {
        break;
      }
      const std::shared_ptr<Building> other = entry->second;
      const bool in_time = changed_.wait_until(
          lock, deadline, [&] { return other->ended || cancellation.cancelled(); });
      if (cancellation.cancelled()) {
        return Error{ErrorCode::cancelled, "cancelled while waiting for a build", false, {}};
      }
      if (!in_time) {
        BuildResult late;
        late.timed_out = true;
        return late;
      }
      if (other->result) {
        BuildResult shared = *other->result;
        shared.report.cache_hit = true;
        if (shared.artifact) {
          shared.artifact->report.cache_hit = true;
        }
        return shared;
      }
    }
  }
  // This caller builds. However it ends, those who wait are woken.
  struct End {
    ArtifactCache& cache;
    const std::string& key;
    std::shared_ptr<Building> building;
    ~End() {
      const std::lock_guard lock(cache.mutex_);
      building->ended = true;
      cache.building_.erase(key);
      cache.changed_.notify_all();
    }
  } const end{*this, key, own};

  if (auto stored = load(key)) {
    stored->report.cache_hit = true;
    stored->report.seconds = 0;
    BuildResult found;
    found.report = stored->report;
    found.artifact = std::move(stored);
    own->result = found;
    return found;
  }
  Result<BuildResult> built = build();
  if (built && !built->timed_out) {
    if (built->artifact) {
      // A full disk costs the next caller a build, not this one its answer.
      static_cast<void>(store(key, *built->artifact));
    }
    own->result = *built;
  }
  return built;
}

}  // namespace assay::engine
