#include "memory/profile/profile_folder.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/test_files.h"
#include "memory/profile/profile_environment.h"

namespace slimreel {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool Equal(const MeasuredStages& a, const MeasuredStages& b) {
  const auto same_forward = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.nograd == y.second.nograd &&
           x.second.output == y.second.output &&
           x.second.output_needs_gradient == y.second.output_needs_gradient;
  };
  const auto same_passes = [](const auto& x, const auto& y) {
    return x.first == y.first && *x.second.profile == *y.second.profile &&
           x.second.input_gradient == y.second.input_gradient &&
           x.second.unexplained_bytes == y.second.unexplained_bytes;
  };
  return std::equal(a.forwards.begin(), a.forwards.end(), b.forwards.begin(), b.forwards.end(),
                    same_forward) &&
         std::equal(a.passes.begin(), a.passes.end(), b.passes.begin(), b.passes.end(),
                    same_passes);
}

bool IsEmpty(const MeasuredStages& stages) {
  return stages.forwards.empty() && stages.passes.empty();
}

OpTrace Trace(int64_t bytes, double ms) {
  OpTrace trace;
  trace.events = {{bytes, {BlockSpace::kLocal, 0}}, {0, {BlockSpace::kInput, 1}}};
  trace.outputs = {{BlockSpace::kLocal, 0}};
  trace.saved = {{BlockSpace::kSaved, 2}, {BlockSpace::kExternal, 0}};
  trace.learnt = {{BlockSpace::kGradient, 3}};
  trace.ms = ms;
  return trace;
}

// Small, with numbers that text may lose: nearly 2^63 and sums that no short decimal equals.
MeasuredStages Sample(int64_t bytes = (int64_t{1} << 62) + 1) {
  MeasuredStages stages;
  const TracePair pair = {Trace(bytes, 0.1 + 0.2), Trace(bytes, 1.0 / 3.0)};
  TupleLayout layout;
  layout.slots.resize(2);
  layout.slots[0] = {0, at::kBFloat16, {2, 3}, {3, 1}, 4};
  layout.storage_bytes = {bytes};
  stages.forwards["stage|a"] = {pair, layout, {true, false}};
  StageProfile profile;
  profile.has_lean = true;
  profile.nograd = profile.keep = profile.backward_keep = pair;
  profile.lean = {pair[1], pair[0]};
  stages.passes["stage|b"] = {std::make_shared<const StageProfile>(profile), layout, 7};
  return stages;
}

class ProfileFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = TestFolder(testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  ProfileFolder Open(const std::string& what = "chain") const {
    return ProfileFolder({.folder = folder_, .environment = "here", .what = what});
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder_)) files.push_back(entry.path());
    return files;
  }
  std::string folder_;
};

TEST_F(ProfileFolderTest, EveryNumberComesBackToTheLastBit) {
  Open().Store("key", Sample());
  EXPECT_TRUE(Equal(Open().Load("key"), Sample()));
  EXPECT_FALSE(Equal(Open().Load("key"), Sample(5)));
}

TEST_F(ProfileFolderTest, AnotherKeyChainOrEnvironmentFindsNothing) {
  Open().Store("key", Sample());
  EXPECT_TRUE(IsEmpty(Open().Load("kex")));
  EXPECT_TRUE(IsEmpty(Open("chaim").Load("key")));
  EXPECT_TRUE(IsEmpty(ProfileFolder({folder_, "there", "chain"}).Load("key")));
  EXPECT_FALSE(IsEmpty(ProfileFolder({folder_, "here", "chain"}).Load("key")));
}

// As if two keys had one hash.
TEST_F(ProfileFolderTest, AFileUnderTheNameOfAnotherKeyIsIgnored) {
  Open().Store("key", Sample());
  const std::string file = ReadTestFile(Files().at(0));
  Open().Store("other", Sample());
  for (const std::string& path : Files()) WriteTestFile(path, file);
  EXPECT_TRUE(IsEmpty(Open().Load("other")));
  EXPECT_FALSE(IsEmpty(Open().Load("key")));
}

TEST_F(ProfileFolderTest, WordsThatAreNotUtf8AreKeysToo) {
  Open("\xff\xfe").Store("key", Sample());
  EXPECT_FALSE(IsEmpty(Open("\xff\xfe").Load("key")));
  EXPECT_TRUE(IsEmpty(Open("\xff\xfd").Load("key")));
}

TEST_F(ProfileFolderTest, ADamagedFileIsIgnoredWhereverTheDamageIs) {
  Open().Store("key", Sample());
  const std::string path = Files().at(0);
  const std::string good = ReadTestFile(path);
  ASSERT_GT(good.size(), 100u);
  ProfileFolder cache = Open();
  for (size_t n = 0; n < good.size(); ++n) {
    std::string bad = good;
    bad[n] = static_cast<char>(bad[n] ^ (n % 2 == 0 ? 0x01 : 0x80));
    WriteTestFile(path, bad);
    EXPECT_TRUE(IsEmpty(cache.Load("key"))) << "byte " << n;
    WriteTestFile(path, good.substr(0, n));
    EXPECT_TRUE(IsEmpty(cache.Load("key"))) << "cut at " << n;
  }
  WriteTestFile(path, good);
  EXPECT_TRUE(Equal(cache.Load("key"), Sample()));
}

// A file of another program: its hash is right, its content is not ours.
TEST_F(ProfileFolderTest, AForeignFileIsIgnored) {
  Open().Store("key", Sample());
  const std::string path = Files().at(0);
  const Json good = Json::parse(ReadTestFile(path).substr(16));
  const auto loaded = [&](const Json& json) {
    const std::string body = json.dump();
    WriteTestFile(path, absl::StrFormat("%016x", XXH3_64bits(body.data(), body.size())) + body);
    return !IsEmpty(Open().Load("key"));
  };
  ASSERT_TRUE(loaded(good));
  EXPECT_FALSE(loaded(Json()));
  EXPECT_FALSE(loaded(Json::array({1, 2})));
  const Json leaves = good.flatten();
  for (const auto& [pointer, value] : leaves.items()) {
    const Json::json_pointer at(pointer);
    for (const Json& other : {Json(), Json("x"), Json::object(), Json::array({Json()})}) {
      if (value == other || good.at(at) == other) continue;
      Json bad = good;
      bad[at] = other;
      EXPECT_FALSE(loaded(bad)) << pointer << " = " << other;
    }
  }
  for (const char* pointer :
       {"/stages/forwards/stage|a/nograd/0", "/stages/traces/0/events/1",
        "/stages/traces/0/saved/0", "/stages/passes/stage|b/profile/pairs/0/1",
        "/stages/forwards/stage|a/output/slots/0/storage"}) {
    for (int64_t number : {-2, 99}) {
      Json bad = good;
      bad.at(Json::json_pointer(pointer)) = number;
      EXPECT_FALSE(loaded(bad)) << pointer << " = " << number;
    }
  }
}

TEST_F(ProfileFolderTest, ProcessesThatShareAFolderSeeOnlyWholeProfiles) {
  constexpr int kProcesses = 4;
  std::vector<pid_t> children;
  for (int64_t n = 0; n < kProcesses; ++n) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    ProfileFolder cache({folder_, "here", "chain", /*max_bytes=*/8000});
    bool right = true;
    for (int round = 0; round < 60; ++round) {
      const std::string key = absl::StrCat("key", round % 5);
      cache.Store(key, Sample(n + 1));
      const MeasuredStages stages = cache.Load(key);
      bool known = IsEmpty(stages);  // another process has removed it
      for (int64_t writer = 0; writer < kProcesses; ++writer) {
        known = known || Equal(stages, Sample(writer + 1));
      }
      right = right && known;
    }
    _exit(right ? 0 : 1);
  }
  for (pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  Open().Store("key", Sample());
  EXPECT_TRUE(Equal(Open().Load("key"), Sample()));
}

TEST_F(ProfileFolderTest, WhatWasUsedLongestAgoMakesRoom) {
  WriteTestFile(folder_ + "/notes.txt", std::string(100000, 'x'));
  Open().Store("key0", Sample());
  std::string first;
  for (const std::string& path : Files()) first = path.ends_with(".profile") ? path : first;
  const auto bytes = static_cast<int64_t>(fs::file_size(first));
  ProfileFolder cache({folder_, "here", "chain", /*max_bytes=*/3 * bytes + bytes / 2});
  for (int n = 1; n < 8; ++n) {
    // All that is there was last used an hour ago, but key 0 now.
    for (const std::string& path : Files()) {
      const auto used = fs::last_write_time(path) - std::chrono::hours(1);
      fs::last_write_time(path, used);
    }
    EXPECT_FALSE(IsEmpty(cache.Load("key0")));
    cache.Store(absl::StrCat("key", n), Sample());
  }
  for (int n = 0; n < 8; ++n) {
    EXPECT_EQ(IsEmpty(cache.Load(absl::StrCat("key", n))), n > 0 && n < 6) << n;
  }
  EXPECT_EQ(Files().size(), 4u);  // with notes.txt
}

TEST_F(ProfileFolderTest, AFolderThatIsGoneIsNoError) {
  ProfileFolder cache = Open();
  cache.Store("key", Sample());
  fs::remove_all(folder_);
  cache.Store("key", Sample());
  EXPECT_TRUE(IsEmpty(cache.Load("key")));
}

// Sets a variable of the environment until the end of the block.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    const char* const old = std::getenv(name);
    if (old != nullptr) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

TEST_F(ProfileFolderTest, TheUsersFolderIsTakenWhereItCanBeMade) {
  WriteTestFile(folder_ + "/file", "");
  const std::string home = folder_ + "/home", cache = folder_ + "/cache";
  const auto holds = [](const std::string& in) { return fs::exists(in + "/slimreel/profiles"); };
  const Variable home_is("HOME", home);
  {
    const Variable cache_is("XDG_CACHE_HOME", cache);
    ASSERT_NE(OpenProfileCache(at::kCPU, "chain"), nullptr);
    EXPECT_TRUE(holds(cache));
    EXPECT_FALSE(holds(home + "/.cache"));
  }
  {
    const Variable cache_is("XDG_CACHE_HOME", folder_ + "/file/below");
    const auto opened = OpenProfileCache(at::kCPU, "chain");
    ASSERT_NE(opened, nullptr);
    EXPECT_TRUE(holds(home + "/.cache"));
    opened->Store("key", Sample());
    EXPECT_TRUE(Equal(OpenProfileCache(at::kCPU, "chain")->Load("key"), Sample()));
    EXPECT_TRUE(IsEmpty(OpenProfileCache(at::kCPU, "another")->Load("key")));
    const Variable home_is_bad("HOME", folder_ + "/file");
    EXPECT_EQ(OpenProfileCache(at::kCPU, "chain"), nullptr);
  }
}

TEST(ProfileEnvironmentTest, WhatDecidesKernelsChangesTheEnvironment) {
  const std::string before = DescribeEnvironment(at::kCPU);
  EXPECT_EQ(DescribeEnvironment(at::kCPU), before);
  {
    const Variable isa("ONEDNN_MAX_CPU_ISA", "SSE41");
    EXPECT_NE(DescribeEnvironment(at::kCPU), before);
  }
  const int threads = at::get_num_threads();
  at::set_num_threads(threads + 1);
  EXPECT_NE(DescribeEnvironment(at::kCPU), before);
  at::set_num_threads(threads);
  at::globalContext().setDeterministicAlgorithms(true, false);
  EXPECT_NE(DescribeEnvironment(at::kCPU), before);
  at::globalContext().setDeterministicAlgorithms(false, false);
  EXPECT_EQ(DescribeEnvironment(at::kCPU), before);
}

}  // namespace
}  // namespace slimreel
