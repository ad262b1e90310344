// Finds the videos below a folder. Links to folders are followed, except links to a folder that
// contains the link. Hidden files and folders are left out.
//
// Threading: pure functions of the file system.
#ifndef DATA_ANNOTATIONS_FOLDER_VIDEOS_H_
#define DATA_ANNOTATIONS_FOLDER_VIDEOS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace slimreel {

struct FolderVideos {
  std::vector<std::string> videos;      // paths below the folder, with '/', in byte order
  int64_t others = 0;                   // number of files whose names are not those of videos
  std::vector<std::string> links_back;  // links that were not followed
  std::vector<std::string> unreadable;  // folders that this user may not read
};

// PermissionDenied if this user may not read `folder` itself. A sub-folder that may not be read is
// only listed in `unreadable`. Other errors of the machine are those of SystemError
// (base/atomic_file.h) and name the folder.
absl::StatusOr<FolderVideos> ListFolderVideos(const std::string& folder);

}  // namespace slimreel

#endif  // DATA_ANNOTATIONS_FOLDER_VIDEOS_H_
