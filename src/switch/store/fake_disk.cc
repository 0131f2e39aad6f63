#include "store/fake_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/env.h"

namespace mixnet {
namespace {

constexpr std::size_t kSector = 512;

struct Change {
  bool is_truncation = false;
  std::size_t at = 0;  // or the new size
  std::string bytes;
};

/// What is on the platters, and what is on its way there.
struct Image {
  std::string synced;
  std::vector<Change> pending;
};

void apply(std::string& content, std::size_t at, std::string_view bytes) {
  if (content.size() < at + bytes.size()) content.resize(at + bytes.size(), '\0');
  content.replace(at, bytes.size(), bytes);
}

std::string content_of(const std::string& path) {
  std::string content;
  static_cast<void>(system_env().read(path, std::size_t{1} << 30, content));  // none: it is new
  return content;
}

}  // namespace

struct FakeDisk::State {
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};
  mutable std::mutex mutex;  // and with it what follows
  std::map<std::string, Image> files;
  int changes = 0;
  int fails_at = -1;
  Fault fault = Fault::kFull;
  bool syncs_fail = false;

  /// With the mutex held: SQLITE_OK, or what the change meets.
  int count(int when_broken) {
    if (syncs_fail && when_broken == SQLITE_IOERR_FSYNC) return when_broken;
    if (fails_at >= 0 && changes >= fails_at) {
      return fault == Fault::kFull && when_broken != SQLITE_IOERR_FSYNC ? SQLITE_FULL : when_broken;
    }
    ++changes;
    return SQLITE_OK;
  }
};

namespace {

/// What SQLite sees of a file; the real one follows in memory.
struct File {
  sqlite3_file base;
  FakeDisk::State* disk;
  const char* path;  // SQLite keeps it as long as the file is open; null: a temporary file
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file).real(); }

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  File& self = of(file);
  const std::lock_guard lock(self.disk->mutex);
  if (const int code = self.disk->count(SQLITE_IOERR_WRITE); code != SQLITE_OK) return code;
  if (self.path != nullptr) {
    self.disk->files[self.path].pending.push_back(
        {false, static_cast<std::size_t>(at),
         std::string(static_cast<const char*>(data), static_cast<std::size_t>(size))});
  }
  return self.real()->pMethods->xWrite(self.real(), data, size, at);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  File& self = of(file);
  const std::lock_guard lock(self.disk->mutex);
  if (const int code = self.disk->count(SQLITE_IOERR_TRUNCATE); code != SQLITE_OK) return code;
  if (self.path != nullptr) {
    self.disk->files[self.path].pending.push_back({true, static_cast<std::size_t>(size), {}});
  }
  return self.real()->pMethods->xTruncate(self.real(), size);
}

int sync(sqlite3_file* file, int flags) {
  File& self = of(file);
  const std::lock_guard lock(self.disk->mutex);
  if (const int code = self.disk->count(SQLITE_IOERR_FSYNC); code != SQLITE_OK) return code;
  if (self.path != nullptr) {
    Image& image = self.disk->files[self.path];
    for (const Change& change : image.pending) {
      if (change.is_truncation) {
        image.synced.resize(change.at);
      } else {
        apply(image.synced, change.at, change.bytes);
      }
    }
    image.pending.clear();
  }
  return self.real()->pMethods->xSync(self.real(), flags);
}

const sqlite3_io_methods kMethods = {
    3,
    [](sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); },
    [](sqlite3_file* file, void* data, int size, sqlite3_int64 at) {
      return real(file)->pMethods->xRead(real(file), data, size, at);
    },
    write,
    truncate,
    sync,
    [](sqlite3_file* file, sqlite3_int64* size) {
      return real(file)->pMethods->xFileSize(real(file), size);
    },
    [](sqlite3_file* file, int kind) { return real(file)->pMethods->xLock(real(file), kind); },
    [](sqlite3_file* file, int kind) { return real(file)->pMethods->xUnlock(real(file), kind); },
    [](sqlite3_file* file, int* reserved) {
      return real(file)->pMethods->xCheckReservedLock(real(file), reserved);
    },
    [](sqlite3_file* file, int what, void* value) {
      return real(file)->pMethods->xFileControl(real(file), what, value);
    },
    [](sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); },
    [](sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); },
    [](sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
      return real(file)->pMethods->xShmMap(real(file), page, size, extend, memory);
    },
    [](sqlite3_file* file, int at, int count, int flags) {
      return real(file)->pMethods->xShmLock(real(file), at, count, flags);
    },
    [](sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); },
    [](sqlite3_file* file, int remove) {
      return real(file)->pMethods->xShmUnmap(real(file), remove);
    },
    [](sqlite3_file*, sqlite3_int64, int, void** memory) {
      *memory = nullptr;  // no memory mapping: all writes are seen here
      return SQLITE_OK;
    },
    [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; },
};

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* const disk = static_cast<FakeDisk::State*>(vfs->pAppData);
  const std::string before = path == nullptr ? "" : content_of(path);
  File* const self = new (file) File{{nullptr}, disk, path};
  const int code = disk->real->xOpen(disk->real, path, self->real(), flags, out_flags);
  if (self->real()->pMethods != nullptr) self->base.pMethods = &kMethods;
  if (code == SQLITE_OK && path != nullptr) {
    const std::lock_guard lock(disk->mutex);
    disk->files.try_emplace(path, Image{before, {}});
  }
  return code;
}

int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  auto* const disk = static_cast<FakeDisk::State*>(vfs->pAppData);
  {
    const std::lock_guard lock(disk->mutex);
    disk->files.erase(path);  // SQLite syncs the folder where it must be gone
  }
  return disk->real->xDelete(disk->real, path, sync_folder);
}

}  // namespace

FakeDisk::FakeDisk() : state_(std::make_unique<State>()) {
  state_->real = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->real;
  state_->vfs.zName = "fake-disk";
  state_->vfs.pNext = nullptr;
  state_->vfs.pAppData = state_.get();
  state_->vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->real->szOsFile;
  state_->vfs.xOpen = open;
  state_->vfs.xDelete = remove;
  sqlite3_vfs_register(&state_->vfs, 1);
}

FakeDisk::~FakeDisk() {
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_vfs_register(state_->real, 1);
}

void FakeDisk::fail_after(int changes, Fault fault) {
  const std::lock_guard lock(state_->mutex);
  state_->fails_at = state_->changes + changes;
  state_->fault = fault;
}

void FakeDisk::mend() {
  const std::lock_guard lock(state_->mutex);
  state_->fails_at = -1;
}

void FakeDisk::fail_syncs(bool fails) {
  const std::lock_guard lock(state_->mutex);
  state_->syncs_fail = fails;
}

int FakeDisk::changes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->changes;
}

void FakeDisk::cut_power(const std::filesystem::path& folder, std::mt19937& random) const {
  const std::lock_guard lock(state_->mutex);
  for (const auto& [path, image] : state_->files) {
    std::string content = image.synced;
    const auto lost = random() % 5;  // of four: none, or all
    for (const Change& change : image.pending) {
      const auto arrives = [&] { return random() % 4 >= lost; };
      if (change.is_truncation) {
        if (arrives()) content.resize(change.at);
        continue;
      }
      for (std::size_t from = 0; from < change.bytes.size();) {
        const std::size_t size =
            std::min(kSector - (change.at + from) % kSector, change.bytes.size() - from);
        if (arrives()) {
          apply(content, change.at + from, std::string_view(change.bytes).substr(from, size));
        }
        from += size;
      }
    }
    const std::filesystem::path name = std::filesystem::path(path).filename();
    if (system_env().write(folder / name, content)) throw std::runtime_error("no room for a test");
  }
}

}  // namespace mixnet
