// The cache of profiles that runs share: one file per chain and size of micro-batch, in a folder.
//
// Nothing of it is ever an error. What cannot be read is measured again, what cannot be written is
// forgotten. Several processes may use one folder: of two that store under one key, the last wins.
//
// Threading: one thread per object.
#ifndef MEMORY_PROFILE_PROFILE_FOLDER_H_
#define MEMORY_PROFILE_PROFILE_FOLDER_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string>

#include "memory/profile/measured_stages.h"

namespace slimreel {

struct ProfileFolderOptions {
  std::string folder;  // must exist
  // Kind and build of everything that measures (DescribeEnvironment).
  std::string environment;
  // The chain: everything about it that names of stages do not say.
  std::string what;
  // Files used longest ago go first when the folder's profiles take more.
  int64_t max_bytes = int64_t{64} << 20;
};

class ProfileFolder final : public ProfileCache {
 public:
  explicit ProfileFolder(ProfileFolderOptions options);

  MeasuredStages Load(const std::string& key) override;
  void Store(const std::string& key, const MeasuredStages& stages) override;

 private:
  std::string FullKey(const std::string& key) const;
  std::string PathOf(const std::string& full_key) const;
  void DropOldest() const;

  ProfileFolderOptions options_;
  bool can_write_ = true;
};

// The folder of this user: $XDG_CACHE_HOME/slimreel/profiles, else $HOME/.cache/slimreel/profiles.
// Call it when LibTorch's threads and flags are set. Null, with a line in the log, if neither can
// be made.
std::unique_ptr<ProfileCache> OpenProfileCache(at::Device device, const std::string& what);

}  // namespace slimreel

#endif  // MEMORY_PROFILE_PROFILE_FOLDER_H_
