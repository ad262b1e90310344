// Included first on purpose: the order must not matter.
#include "base/logging.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Logging.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

// Only glog's LOG reaches a sink of glog.
class Collect : public google::LogSink {
 public:
  void send(google::LogSeverity, const char*, const char*, int, const google::LogMessageTime&,
            const char* message, size_t length) override {
    text.assign(message, length);
  }
  std::string text;
};

TEST(LoggingTest, GlogWinsOverTorchsMacros) {
  Collect sink;
  google::AddLogSink(&sink);
  LOG(WARNING) << "from glog";
  google::RemoveLogSink(&sink);
  EXPECT_EQ(sink.text, "from glog");
  EXPECT_DEATH(CHECK_EQ(1, 2) << "glog's check", "Check failed: 1 == 2");
}

}  // namespace
