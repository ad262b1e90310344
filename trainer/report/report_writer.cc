#include "trainer/report/report_writer.h"

#include <utility>

#include "base/logging.h"
#include "trainer/report/report_page.h"

namespace slimreel {
namespace {

class ReportWriter : public Observer {
 public:
  explicit ReportWriter(std::string run_dir) : run_dir_(std::move(run_dir)) {}

  absl::Status OnEnd(const RunRecord& /*run*/) override {
    const absl::Status written = WriteReport(run_dir_);
    if (!written.ok()) LOG(WARNING) << "the report is missing: " << written.message();
    return absl::OkStatus();
  }

 private:
  std::string run_dir_;
};

}  // namespace

std::unique_ptr<Observer> MakeReportWriter(const std::string& run_dir) {
  return std::make_unique<ReportWriter>(run_dir);
}

}  // namespace slimreel
