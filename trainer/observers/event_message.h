// TensorBoard's Event message, encoded by hand: only the fields that scalars need. So no protobuf
// library and no TensorFlow is needed.
//
// Source: tensorboard/compat/proto/event.proto and summary.proto (the field numbers), and the
// protobuf wire format.
//
// Threading: free functions.
#ifndef TRAINER_OBSERVERS_EVENT_MESSAGE_H_
#define TRAINER_OBSERVERS_EVENT_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slimreel {

struct EventScalar {
  std::string tag;  // "train/loss": the part before the slash is the group in TensorBoard
  double value = 0.0;
};

// All values of one step. The file stores them as float32. `wall_time_s`: since 1970.
std::string ScalarsEvent(double wall_time_s, int64_t step, const std::vector<EventScalar>& scalars);
// The first event of each file.
std::string FileVersionEvent(double wall_time_s);
// A process begins and its first step is `step`: a viewer drops what it has read of this and later
// steps.
std::string SessionStartEvent(double wall_time_s, int64_t step);

// The step of an event with values; -1: an event of another kind. nullopt: not an event.
std::optional<int64_t> StepOfScalars(std::string_view event);

}  // namespace slimreel

#endif  // TRAINER_OBSERVERS_EVENT_MESSAGE_H_
