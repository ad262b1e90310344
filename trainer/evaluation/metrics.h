// Classification metrics from scores: top-1, top-5, mean class accuracy, loss;
// per clip, and per video with the logits of its clips averaged. Plain numbers:
// no tensor is needed to compute or test them.
//
// Who calls it: trainer/evaluation/evaluator; everyone who reports what it found.
// Threading: none of its own.
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
  int64_t label = -1;          // -1: unlabelled, counts nowhere
  int64_t video = 0;           // clips of one video share it
};

struct ClassificationMetrics {
  int64_t count = 0;                 // labelled samples
  double top1 = 0.0;                 // fraction
  double top5 = 0.0;                 // of min(5, classes) guesses
  double mean_class_accuracy = 0.0;  // top-1 per class, averaged over classes that occur
  double loss = 0.0;                 // mean cross entropy, unweighted and unsmoothed
};

// Classes that score above the label's; equal scores count the lower class first.
// A logit that is no number makes the sample wrong: its rank is num_classes.
int64_t LabelRank(const ScoredSample& sample);

// -log softmax(logits)[label], stable for large logits.
double CrossEntropy(const ScoredSample& sample);

// softmax, stable for large logits.
std::vector<double> Softmax(const std::vector<double>& logits);

ClassificationMetrics ComputeMetrics(const std::vector<ScoredSample>& samples);

// Names ("top1") and values in the order in which they are shown. What a task measures
// decides which names there are; a name that starts with clip_ is per clip, all others per video.
using NamedMetrics = std::vector<std::pair<std::string, double>>;

// nullopt: there is no metric of that name.
std::optional<double> FindMetric(const NamedMetrics& metrics, const std::string& name);

// What an evaluation found, as everyone reports it.
struct EvaluationMetrics {
  NamedMetrics values;
  int64_t videos = 0;  // labelled ones, likewise clips
  int64_t clips = 0;
  friend bool operator==(const EvaluationMetrics&, const EvaluationMetrics&) = default;
};

EvaluationMetrics NameMetrics(const ClassificationMetrics& videos,
                              const ClassificationMetrics& clips);

// One sample per video: the mean of its clips' logits. The order is that of the
// videos' first clips; the label is that of the first labelled clip.
std::vector<ScoredSample> AverageByVideo(const std::vector<ScoredSample>& clips);

}  // namespace slimreel

#endif  // TRAINER_EVALUATION_METRICS_H_
