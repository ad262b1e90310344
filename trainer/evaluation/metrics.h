// Classification metrics from scores: top-1, top-5, mean class accuracy and loss. They are computed
// per clip, and per video from the mean logits of its clips. Plain numbers: no tensors are needed
// to compute or test them.
//
// Threading: free functions without state.
#ifndef TRAINER_EVALUATION_METRICS_H_
#define TRAINER_EVALUATION_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slimreel {

// The model's logits of one clip (scores.h), or the mean over one video's clips.
struct ScoredSample {
  std::vector<double> logits;  // [num_classes]
  int64_t label = -1;          // -1: unlabelled, ignored by all metrics
  int64_t video = 0;           // the same for all clips of one video
};

struct ClassificationMetrics {
  int64_t count = 0;                 // labelled samples
  double top1 = 0.0;                 // fraction
  double top5 = 0.0;                 // fraction, with min(5, classes) guesses
  double mean_class_accuracy = 0.0;  // top-1 per class, averaged over the classes that occur
  double loss = 0.0;                 // mean cross entropy, unweighted and unsmoothed
};

// The number of classes that rank above the label. Of equal scores, the lower class ranks first. If
// a logit is NaN, the sample is wrong: its rank is num_classes.
int64_t LabelRank(const ScoredSample& sample);

// -log softmax(logits)[label], stable for large logits.
double CrossEntropy(const ScoredSample& sample);

// softmax, stable for large logits.
std::vector<double> Softmax(const std::vector<double>& logits);

ClassificationMetrics ComputeMetrics(const std::vector<ScoredSample>& samples);

// Names ("top1") and values, in the order in which they are shown. The task decides the names. A
// name that starts with clip_ is per clip; all others are per video.
using NamedMetrics = std::vector<std::pair<std::string, double>>;

// nullopt: no metric has that name.
std::optional<double> FindMetric(const NamedMetrics& metrics, const std::string& name);

// The result of an evaluation, as it is reported.
struct EvaluationMetrics {
  NamedMetrics values;
  int64_t videos = 0;  // labelled
  int64_t clips = 0;   // labelled
  friend bool operator==(const EvaluationMetrics&, const EvaluationMetrics&) = default;
};

EvaluationMetrics NameMetrics(const ClassificationMetrics& videos,
                              const ClassificationMetrics& clips);

// Returns one sample per video, with the mean of its clips' logits. The videos are in the order of
// their first clips. A video has the label of its first labelled clip.
std::vector<ScoredSample> AverageByVideo(const std::vector<ScoredSample>& clips);

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_METRICS_H_
