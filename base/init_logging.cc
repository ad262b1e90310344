#include "base/init_logging.h"

#include "base/logging.h"

namespace slimreel {

void InitLogging(const char* program, bool quiet) {
  if (google::IsGoogleLoggingInitialized()) return;  // a test that runs a program's main
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = quiet ? google::GLOG_WARNING : google::GLOG_INFO;
  google::InitGoogleLogging(program);
}

}  // namespace slimreel
