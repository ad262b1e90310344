// What earlier runs left for this one: their shards, in place and staged, and their log.
// Threading: const methods from any thread.
#ifndef DATA_PIPELINE_PRIOR_WORK_H_
#define DATA_PIPELINE_PRIOR_WORK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "data/chunking/chunk_rule.h"
#include "data/pipeline/input_video.h"
#include "data/pipeline/prepare_log.h"
#include "data/pipeline/reuse_plan.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/shard_file.h"

namespace slimreel {

// What this run has found out of earlier work that must not be built upon.
struct ReuseLimits {
  bool keep_open_chunks = true;
  std::unordered_set<size_t> giving_samples;  // videos that gave none before and do now
};

class PriorWork {
 public:
  // `videos` must outlive the object. `other_paths`: of videos that belong to other parts. What
  // cannot be read of earlier runs is work to be done again. Once `interrupted` (may be empty)
  // says true, what is made is not to be used.
  PriorWork(const SplitFolder& folder, const std::vector<PreparedVideo>& videos,
            const std::unordered_set<std::string>& other_paths, uint64_t recipe,
            const ChunkRule& rule, const ReuseLimits& limits,
            const std::function<bool()>& interrupted);
  ~PriorWork();

  const ReusePlan& plan() const { return plan_; }
  // How the video went, where it is not decoded again.
  const VideoOutcome& OutcomeOf(size_t video) const { return memory_[video].outcome; }
  // True where its files are away, so that its earlier samples stand for it.
  bool IsAway(size_t video) const;
  // Its line of the log, with the digests that are known.
  LoggedVideo LogEntry(size_t video) const;

  const PlacedShard& placed(int32_t shard) const { return stored_[shard].place; }
  const ShardFile& file(int32_t shard) const { return *files_[shard]; }

  // Videos that earlier runs had and this input has not.
  const std::vector<LoggedVideo>& removed() const { return removed_; }
  // Videos that are away and have samples of earlier runs, none of which hold for this one.
  int64_t num_lost_if_published() const;
  // Shards of format 1, which do not tell what they were made of.
  bool has_shards_without_origin() const { return has_shards_without_origin_; }

 private:
  struct KnownDigest {
    FileLook look;       // what it is true of
    uint64_t value = 0;  // 0: not known
  };
  // What the log says of a video of the input.
  struct Memory {
    bool logged = false;
    uint64_t recipe = 0;
    FileLook look, keypoint_look;  // what the outcome is true of
    KnownDigest digest, keypoint_digest;
    VideoOutcome outcome;
  };
  void OpenShards(const SplitFolder& folder);
  using ByPath = absl::flat_hash_map<std::string_view, size_t>;
  void ReadLog(const std::string& path, const ByPath& by_path,
               const std::unordered_set<std::string>& other_paths);
  void FindRemovedSources(const ByPath& by_path,
                          const std::unordered_set<std::string>& other_paths);
  void ResolveOutcome(size_t video);
  bool SameFiles(size_t video, const SampleOrigin& origin);
  bool GivesNone(size_t video) const;
  bool MayGiveNone(size_t video) const;
  bool SameFile(const std::string& path, const FileLook& look, const FileMark& mark,
                KnownDigest* digest) const;

  const std::vector<PreparedVideo>& videos_;
  const uint64_t recipe_;
  const ChunkRule rule_;
  std::vector<std::unique_ptr<ShardFile>> files_;
  std::vector<StoredShard> stored_;
  std::vector<Memory> memory_;                      // by video
  absl::flat_hash_map<size_t, SampleOrigin> away_;  // what stands for files that are away
  std::vector<LoggedVideo> removed_;
  std::vector<bool> stored_before_;  // by video: there are samples of it, of whatever version
  const ReuseLimits limits_;
  const std::function<bool()> interrupted_;
  bool all_away_ = false;
  bool has_shards_without_origin_ = false;
  ReusePlan plan_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PRIOR_WORK_H_
