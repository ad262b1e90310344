// The tensors at a path: one safetensors file, or a set of files with an index (Hugging
// Face's `model.safetensors.index.json`). Does not use torch.
//
// Threading: const methods from any thread.
// Ownership: owns the mappings that the entries' offsets refer to.
#ifndef MODELS_WEIGHTS_WEIGHT_FILES_H_
#define MODELS_WEIGHTS_WEIGHT_FILES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mapped_file.h"
#include "models/weights/safetensors_format.h"

namespace slimreel {

class WeightFiles {
 public:
  // `path`: a safetensors file; an index (*.index.json) with its shards in the same folder;
  // or a folder with model.safetensors.index.json or model.safetensors. Errors name the
  // path. NotFound: nothing is there. InvalidArgument: a PyTorch pickle; the message says
  // how to convert it. DataLoss: a malformed file or index, missing shards (the message
  // names all of them), or tensors on which index and shards disagree.
  static absl::StatusOr<WeightFiles> Open(const std::string& path);

  const std::string& path() const { return path_; }
  // In the order of the files, and within a file in the order of the data.
  const std::vector<WeightEntry>& entries() const { return entries_; }
  const MappedFile& file_of(size_t entry) const { return *files_[file_of_[entry]]; }
  // The metadata of a single file; empty for a set.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  explicit WeightFiles(std::string path) : path_(std::move(path)) {}
  // `given`: the file itself, or the index that lists it.
  absl::Status AddFile(const std::string& path, const std::string& given);
  absl::Status AddShards(const std::string& index_path);

  std::string path_;
  std::vector<std::unique_ptr<MappedFile>> files_;
  std::vector<WeightEntry> entries_;
  std::vector<size_t> file_of_;  // per entry, into files_
  std::map<std::string, std::string> metadata_;
};

}  // namespace slimreel

#endif  // MODELS_WEIGHTS_WEIGHT_FILES_H_
