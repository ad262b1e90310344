// The terms that a plan was made under, and what changed in them since. A resumed run keeps its
// checkpoint's plan only if its terms are unchanged.
//
// Threading: free functions without state. Pure numbers and text.
#ifndef TRAINER_SETUP_PLAN_TERMS_H_
#define TRAINER_SETUP_PLAN_TERMS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "configs/schema.h"
#include "trainer/checkpoint/train_state.h"

namespace slimreel {

// The keys that decide a plan, with their values as YAML: PlanTerms::keys.
std::map<std::string, std::string> PlanKeys(const Config& config);

// One line for each term that changed: "memory.budget: 24MiB -> 4GiB". A term that is unknown on
// either side counts as unchanged. So does a ceiling that moved by a hundredth or less, because a
// machine reports a slightly different memory size after each start.
std::vector<std::string> ChangedTerms(const PlanTerms& made_under, const PlanTerms& now);

}  // namespace slimreel

#endif  // TRAINER_SETUP_PLAN_TERMS_H_
