// What //data:prepare prints at its end.
#ifndef DATA_PREPARE_SUMMARY_H_
#define DATA_PREPARE_SUMMARY_H_

#include <string>

#include "data/pipeline/prepare.h"

namespace slimreel {

// A few lines, `name: numbers`, with what the user may not expect: videos that are no longer
// in the split, samples without a label.
std::string SummaryText(const PrepareOptions& options, const PrepareSummary& summary);

}  // namespace slimreel

#endif  // DATA_PREPARE_SUMMARY_H_
