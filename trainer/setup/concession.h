// What a run gives up of its result when nothing fits its budget: the techniques of memory.allow
// that change what is learnt. They come last, one at a time, and only if they are listed.
//
// Pure functions of configurations. Threading: values.
#ifndef TRAINER_SETUP_CONCESSION_H_
#define TRAINER_SETUP_CONCESSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "configs/schema.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

// The next one to make: bf16 (`precision`), then half the frames, an even number, down to 4
// (`fewer_frames`), then frames of some 70 % of the side, down to 32 pixels (`smaller_images`).
// Speech models have no frames. None: nothing is left that memory.allow lists.
std::optional<Concession> NextConcession(const Config& config);

// Sets the key to what the concession makes of it.
void Concede(const Concession& concession, Config* config);

// For a run that goes on: the concessions of its checkpoint hold as long as the configuration still
// asks for what could not be had. Each one that is repeated is logged. Returns those.
std::vector<Concession> RepeatConcessions(const std::vector<Concession>& made, Config* config);

// "data.num_frames: 16 -> 8 (clips cover half the time)".
std::string DescribeConcession(const Concession& concession);

}  // namespace slimreel

#endif  // TRAINER_SETUP_CONCESSION_H_
