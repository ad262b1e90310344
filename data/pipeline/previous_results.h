// The results of earlier preparations of a split: their shards, in place and staged, and their
// log; and the plan of what to reuse. Threading: const methods from any thread.
#ifndef DATA_PIPELINE_PREVIOUS_RESULTS_H_
#define DATA_PIPELINE_PREVIOUS_RESULTS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "data/chunking/chunk_rule.h"
#include "data/pipeline/prepare_log.h"
#include "data/pipeline/reuse_plan.h"
#include "data/pipeline/source_video.h"
#include "data/pipeline/split_folder.h"
#include "data/shard/shard_file.h"

namespace slimreel {

// Earlier results that this preparation has found to be wrong, and must not reuse.
struct ReuseLimits {
  bool keep_partial_videos = true;  // ReuseRequest::keep_partial_videos
  // Videos that gave no sample before and give some now.
  std::unordered_set<size_t> videos_to_decode;
};

class PreviousResults {
 public:
  // `videos` must outlive the object. `other_paths`: paths of videos of other parts. Earlier
  // results that cannot be read are not reused. If `interrupted` (may be empty) returns true, the
  // object must not be used.
  PreviousResults(const SplitFolder& folder, const std::vector<SourceVideo>& videos,
                  const std::unordered_set<std::string>& other_paths, uint64_t recipe,
                  const ChunkRule& rule, const ReuseLimits& limits,
                  const std::function<bool()>& interrupted);
  ~PreviousResults();

  const ReusePlan& plan() const { return plan_; }
  // The earlier outcome of a video that is not decoded again.
  const VideoOutcome& OutcomeOf(size_t video) const { return records_[video].outcome; }
  // True if the video's file is missing now and its earlier samples are kept for it.
  bool IsMissing(size_t video) const;
  // The video's line for the log, with the digests that are known.
  LoggedVideo LogEntry(size_t video) const;

  const ShardLocation& location(int32_t shard) const { return stored_[shard].location; }
  const ShardFile& file(int32_t shard) const { return *files_[shard]; }

  // Videos of earlier preparations that are not in the input now.
  const std::vector<LoggedVideo>& removed() const { return removed_; }
  // Number of videos whose files are missing and whose earlier samples cannot be reused: to
  // publish would lose them.
  int64_t num_lost_if_published() const;
  // True if there are shards of format 1, which do not store the origins of their samples.
  bool has_shards_without_origin() const { return has_shards_without_origin_; }

 private:
  struct KnownDigest {
    FileStat stat;       // of the file version that has this digest
    uint64_t value = 0;  // 0: not known
  };
  // The log's last line of a video of the input.
  struct Record {
    bool logged = false;
    uint64_t recipe = 0;
    FileStat stat, keypoint_stat;  // of the file versions that have this outcome
    KnownDigest digest, keypoint_digest;
    VideoOutcome outcome;
  };
  void OpenShards(const SplitFolder& folder);
  using ByPath = absl::flat_hash_map<std::string_view, size_t>;
  void ReadLog(const std::string& path, const ByPath& by_path,
               const std::unordered_set<std::string>& other_paths);
  void FindRemovedVideos(const ByPath& by_path, const std::unordered_set<std::string>& other_paths);
  void ResolveOutcome(size_t video);
  bool SameFiles(size_t video, const SampleOrigin& origin);
  bool HasNoSamples(size_t video) const;
  bool MayHaveNoSamples(size_t video) const;
  bool SameFile(const std::string& path, const FileStat& stat, const FileMark& mark,
                KnownDigest* digest) const;

  const std::vector<SourceVideo>& videos_;
  const uint64_t recipe_;
  const ChunkRule rule_;
  std::vector<std::unique_ptr<ShardFile>> files_;
  std::vector<StoredShard> stored_;
  std::vector<Record> records_;  // by video
  // By video whose file is missing: the version of the samples that are kept for it.
  absl::flat_hash_map<size_t, SampleOrigin> missing_origins_;
  std::vector<LoggedVideo> removed_;
  std::vector<bool> stored_before_;  // by video: it has stored samples, of any version
  const ReuseLimits limits_;
  const std::function<bool()> interrupted_;
  bool all_missing_ = false;
  bool has_shards_without_origin_ = false;
  ReusePlan plan_;
};

}  // namespace slimreel

#endif  // DATA_PIPELINE_PREVIOUS_RESULTS_H_
