// SPDX-License-Identifier: Apache-2.0
#include "engine/artifact_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <sys/stat.h>

namespace assay::engine {

namespace fs = std::filesystem;
using schemas::Error;
using schemas::ErrorCode;
using schemas::Result;

namespace {

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
  cache->count_stored();
  return cache;
}

void ArtifactCache::count_stored() {
  use_.max_bytes = max_bytes_;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) {
      continue;
    }
    if (at->path().extension() == kUnfinishedSuffix) {
      fs::remove(at->path(), error);  // of a process that was killed while it wrote
    } else {
      use_.bytes += static_cast<std::int64_t>(at->file_size(error));
      ++use_.entries;
    }
  }
}

CacheUse ArtifactCache::use() {
  const std::lock_guard lock(mutex_);
  return use_;
}

void ArtifactCache::count_hit(double seconds_saved) {
  const std::lock_guard lock(mutex_);
  ++use_.hits;
  use_.seconds_saved += seconds_saved;
}

void ArtifactCache::forget(std::int64_t bytes, std::int64_t CacheUse::*why) {
  use_.bytes -= bytes;
  --use_.entries;
  ++(use_.*why);
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
      artifact = decode_artifact(bytes);
    }
  }
  if (artifact) {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // the time of its last use
  } else if (fs::remove(path, error)) {
    const std::lock_guard lock(mutex_);
    forget(static_cast<std::int64_t>(size), &CacheUse::dropped);
  }
  return artifact;
}

schemas::Status ArtifactCache::store(const std::string& key, const Artifact& artifact) {
  const std::string bytes = encode_artifact(artifact);
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
  const std::uintmax_t replaced = fs::file_size(path, error);
  const bool replaces = !error;
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    return file_error("cannot rename", unfinished);
  }
  File(folder, O_RDONLY | O_DIRECTORY).sync();  // the name, too
  const std::lock_guard lock(mutex_);
  use_.bytes += static_cast<std::int64_t>(bytes.size()) -
                (replaces ? static_cast<std::int64_t>(replaced) : 0);
  use_.entries += replaces ? 0 : 1;
  return schemas::success();
}

void ArtifactCache::make_room(std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (use_.bytes + bytes <= max_bytes_) {
    return;
  }
  struct Stored {
    fs::file_time_type used;
    fs::path path;
    std::int64_t bytes;
  };
  std::vector<Stored> files;
  std::error_code error;
  use_.bytes = use_.entries = 0;  // counted anew: somebody may have cleared the folder
  for (fs::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_regular_file(error) && at->path().extension() != kUnfinishedSuffix) {
      files.push_back({at->last_write_time(error), at->path(),
                       static_cast<std::int64_t>(at->file_size(error))});
      use_.bytes += files.back().bytes;
      ++use_.entries;
    }
  }
  std::sort(files.begin(), files.end(),
            [](const Stored& a, const Stored& b) { return a.used < b.used; });
  for (const Stored& file : files) {
    if (use_.bytes + bytes <= max_bytes_) {
      break;
    }
    if (fs::remove(file.path, error)) {
      forget(file.bytes, &CacheUse::evictions);
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
        ++use_.hits;  // nothing saved: it waited as long
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
    count_hit(stored->report.seconds);
    stored->report.cache_hit = true;
    stored->report.seconds = 0;
    BuildResult found;
    found.report = stored->report;
    found.whole_log = stored->whole_log;
    found.artifact = std::move(stored);
    own->result = found;
    return found;
  }
  {
    const std::lock_guard lock(mutex_);
    ++use_.misses;
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
