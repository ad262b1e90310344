// The text that //data:prepare prints at its end.
//
// Threading: a pure function.
#ifndef DATA_PREPARE_SUMMARY_H_
#define DATA_PREPARE_SUMMARY_H_

#include <string>

#include "data/pipeline/prepare.h"

namespace slimreel {

// A few lines of `name: numbers`. They include what the user may not expect, such as videos that
// are no longer in the split, and samples without a label.
std::string SummaryText(const PrepareOptions& options, const PrepareSummary& summary);

}  // namespace slimreel

#endif  // DATA_PREPARE_SUMMARY_H_
