// The videos below a folder. Links to folders are followed, but not back to a folder that the
// link lies in. Hidden files and folders are left out.
#ifndef DATA_ANNOTATIONS_FOLDER_VIDEOS_H_
#define DATA_ANNOTATIONS_FOLDER_VIDEOS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

struct FolderVideos {
  std::vector<std::string> videos;  // below the folder, '/' between folders, in byte order
  int64_t others = 0;               // files that are no videos by their names
  std::vector<std::string> links_back;
  std::vector<std::string> unreadable;  // folders that this user may not read
};

// PermissionDenied where `folder` itself may not be read; a sub-folder of that kind is only
// told. The machine's other errors, as SystemError has them, with the folder that they met.
absl::StatusOr<FolderVideos> ListFolderVideos(const std::string& folder);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_FOLDER_VIDEOS_H_
