#include "base/init_logging.h"

#include "base/logging.h"

namespace slimreel {

void InitLogging(const char* program, bool quiet) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = quiet ? google::GLOG_WARNING : google::GLOG_INFO;
  google::InitGoogleLogging(program);
}

}  // namespace slimreel
