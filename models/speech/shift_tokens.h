// Teacher forcing: what the decoder reads is what it shall say, one place later.
//
// Callers: data loading and tests of speech models. Pure function, any thread.
#ifndef MODELS_SPEECH_SHIFT_TOKENS_H_
#define MODELS_SPEECH_SHIFT_TOKENS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace slimreel {

// labels [B, L] int64, -100 where there is no label -> [B, L]: `start_id`, then the labels
// without their last column, with -100 read as `pad_id` (Hugging Face's
// modeling_whisper.py, shift_tokens_right).
at::Tensor ShiftRight(const at::Tensor& labels, int64_t start_id, int64_t pad_id);

}  // namespace slimreel

#endif  // MODELS_SPEECH_SHIFT_TOKENS_H_
