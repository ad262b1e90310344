#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "memory/reports/diagnosis.h"
#include "memory/reports/processes.h"

namespace slimreel {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

Diagnosis LimitedMachine() {
  Diagnosis diagnosis;
  diagnosis.unix_seconds = 1000000000;
  diagnosis.host.total_bytes = 16 * kGiB;
  diagnosis.host.available_bytes = 12 * kGiB;
  diagnosis.host.limits = {{"cgroup v2", "/sys/fs/cgroup/memory.max", 8 * kGiB, 3 * kGiB},
                           {"physical memory", "/proc/meminfo", 16 * kGiB, 4 * kGiB}};
  diagnosis.processes = {{7, "browser \xff", 2 * kGiB}, {8, "shell", kGiB / 100}};
  return diagnosis;
}

TEST(DiagnosisTest, AdviceNamesBudgetHolderAndLimit) {
  const std::vector<std::string> advice = Advice(LimitedMachine());
  ASSERT_EQ(advice.size(), 3);
  EXPECT_NE(advice[0].find("memory.budget=4096MiB"), std::string::npos) << advice[0];
  EXPECT_NE(advice[1].find("Process 7"), std::string::npos) << advice[1];
  EXPECT_NE(advice[2].find("/sys/fs/cgroup/memory.max"), std::string::npos) << advice[2];
}

TEST(DiagnosisTest, AdvisesABudgetForTheAccelerator) {
  Diagnosis diagnosis = LimitedMachine();
  diagnosis.accelerators = {{"cuda:0", 8 * kGiB, 5 * kGiB}};
  EXPECT_NE(Advice(diagnosis)[0].find("trainer.device=cuda:0 memory.budget=4096MiB"),
            std::string::npos);
}

TEST(DiagnosisTest, JsonHoldsTheNumbersAndIsValidForAnyCommandLine) {
  const auto json = nlohmann::json::parse(DiagnosisJson(LimitedMachine()));
  EXPECT_EQ(json["unix_seconds"], 1000000000);
  EXPECT_EQ(json["ceiling"]["bytes"], 8 * kGiB);
  EXPECT_EQ(json["ceiling"]["origin"], "cgroup v2");
  EXPECT_EQ(json["host"]["headroom_bytes"], 5 * kGiB);
  EXPECT_EQ(json["limits"].size(), 2);
  EXPECT_EQ(json["processes"][0]["pid"], 7);
  EXPECT_TRUE(json["accelerators"].empty());
}

TEST(DiagnosisTest, TextShowsEveryPart) {
  const std::string text = DiagnosisText(LimitedMachine());
  for (const char* part : {"2001-09-09 01:46:40 UTC", "Host memory", "Ceiling", "cgroup v2",
                           "Accelerators", "browser", "What to do"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(ProcessesTest, LargestComeFirstAndKernelThreadsAreLeftOut) {
  const std::string root = testing::TempDir() + "/processes";
  const auto write = [&](const std::string& pid, const std::string& status,
                         const std::string& command) {
    std::filesystem::create_directories(root + "/proc/" + pid);
    std::ofstream(root + "/proc/" + pid + "/status") << status;
    std::ofstream(root + "/proc/" + pid + "/cmdline", std::ios::binary) << command;
  };
  write("1", "Name:\tinit\nVmRSS:\t  10 kB\n", "");
  write("2", "Name:\tkthreadd\n", "");
  write("30", "Name:\tpython\nVmRSS:\t  2000 kB\n", std::string("python\0train.py\0", 16));
  write("self", "Name:\tx\nVmRSS:\t 9999999 kB\n", "x");
  const std::vector<ProcessMemory> processes = LargestProcesses(5, root);
  ASSERT_EQ(processes.size(), 2);
  EXPECT_EQ(processes[0].pid, 30);
  EXPECT_EQ(processes[0].command, "python train.py");
  EXPECT_EQ(processes[0].resident_bytes, 2000 * 1024);
  EXPECT_EQ(processes[1].command, "init");
  EXPECT_EQ(LargestProcesses(1, root).size(), 1);
}

TEST(ProcessesTest, ListsThisProcess) {
  bool found = false;
  for (const ProcessMemory& process : LargestProcesses(100000)) {
    if (process.pid == getpid()) found = process.resident_bytes > 0;
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace slimreel
