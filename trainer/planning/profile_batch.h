// A batch of zeros of the shapes that a model is trained on, for measuring. No tensor's size
// depends on values, so zeros cost what data costs.
//
// Threading: a free function.
#ifndef TRAINER_PLANNING_PROFILE_BATCH_H_
#define TRAINER_PLANNING_PROFILE_BATCH_H_

#include <c10/core/Device.h>

#include <cstdint>

#include "models/chain/model.h"

namespace slimreel {

struct ProfileBatch {
  Tensors inputs;   // as trainer/inputs makes them of a Batch: bytes, keypoints, log-mel, tokens
  Tensors targets;  // {labels [B] or [B, L] int64}, all valid
};

ProfileBatch MakeProfileBatch(const Model& model, int64_t samples, at::Device device);

// Bytes of the inputs of one sample, as Batch::bytes counts them.
int64_t InputBytesPerSample(const Model& model);

}  // namespace slimreel

#endif  // TRAINER_PLANNING_PROFILE_BATCH_H_
