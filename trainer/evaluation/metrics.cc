#include "trainer/evaluation/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

namespace slimreel {
namespace {

double LogSumExp(const std::vector<double>& logits) {
  const double highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (double logit : logits) sum += std::exp(logit - highest);
  return highest + std::log(sum);
}

bool IsLabelled(const ScoredSample& sample) {
  return sample.label >= 0 && sample.label < static_cast<int64_t>(sample.logits.size());
}

}  // namespace

int64_t LabelRank(const ScoredSample& sample) {
  const auto& logits = sample.logits;
  int64_t rank = 0;
  for (int64_t c = 0; c < static_cast<int64_t>(logits.size()); ++c) {
    if (std::isnan(logits[c])) return static_cast<int64_t>(logits.size());
    const double own = logits[sample.label];
    if (logits[c] > own || (logits[c] == own && c < sample.label)) ++rank;
  }
  return rank;
}

double CrossEntropy(const ScoredSample& sample) {
  return LogSumExp(sample.logits) - sample.logits[sample.label];
}

std::vector<double> Softmax(const std::vector<double>& logits) {
  if (logits.empty()) return {};
  const double highest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> probabilities;
  probabilities.reserve(logits.size());
  for (double logit : logits) probabilities.push_back(std::exp(logit - highest));
  const double sum = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

ClassificationMetrics ComputeMetrics(const std::vector<ScoredSample>& samples) {
  struct PerClass {
    int64_t count = 0;
    int64_t correct = 0;
  };
  ClassificationMetrics metrics;
  std::map<int64_t, PerClass> classes;
  for (const ScoredSample& sample : samples) {
    if (!IsLabelled(sample)) continue;
    const int64_t rank = LabelRank(sample);
    ++metrics.count;
    metrics.top1 += rank == 0 ? 1.0 : 0.0;
    metrics.top5 += rank < 5 && rank < static_cast<int64_t>(sample.logits.size()) ? 1.0 : 0.0;
    metrics.loss += CrossEntropy(sample);
    PerClass& own = classes[sample.label];
    ++own.count;
    own.correct += rank == 0 ? 1 : 0;
  }
  if (metrics.count == 0) return metrics;
  for (const auto& [label, own] : classes) {
    metrics.mean_class_accuracy += static_cast<double>(own.correct) / own.count;
  }
  metrics.mean_class_accuracy /= static_cast<double>(classes.size());
  metrics.top1 /= metrics.count;
  metrics.top5 /= metrics.count;
  metrics.loss /= metrics.count;
  return metrics;
}

std::optional<double> FindMetric(const NamedMetrics& metrics, const std::string& name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&name](const auto& metric) { return metric.first == name; });
  if (found == metrics.end()) return std::nullopt;
  return found->second;
}

EvaluationMetrics NameMetrics(const ClassificationMetrics& videos,
                              const ClassificationMetrics& clips) {
  EvaluationMetrics named;
  named.videos = videos.count;
  named.clips = clips.count;
  for (const auto& [prefix, metrics] : {std::pair("", &videos), std::pair("clip_", &clips)}) {
    const std::string start = prefix;
    named.values.emplace_back(start + "top1", metrics->top1);
    named.values.emplace_back(start + "top5", metrics->top5);
    named.values.emplace_back(start + "mean_class_accuracy", metrics->mean_class_accuracy);
    named.values.emplace_back(start + "loss", metrics->loss);
  }
  return named;
}

std::vector<ScoredSample> AverageByVideo(const std::vector<ScoredSample>& clips) {
  std::vector<ScoredSample> videos;
  std::vector<int64_t> clips_of;
  std::unordered_map<int64_t, size_t> index;
  for (const ScoredSample& clip : clips) {
    const auto [entry, is_new] = index.emplace(clip.video, videos.size());
    if (is_new) {
      videos.push_back(clip);
      clips_of.push_back(1);
      continue;
    }
    ScoredSample& video = videos[entry->second];
    if (video.label < 0) video.label = clip.label;
    for (size_t c = 0; c < video.logits.size(); ++c) video.logits[c] += clip.logits[c];
    ++clips_of[entry->second];
  }
  for (size_t v = 0; v < videos.size(); ++v) {
    for (double& logit : videos[v].logits) logit /= static_cast<double>(clips_of[v]);
  }
  return videos;
}

}  // namespace slimreel
