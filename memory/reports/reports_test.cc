#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "memory/reports/accelerators.h"
#include "memory/reports/diagnosis.h"
#include "memory/reports/nvidia_cards.h"
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

AcceleratorMemory CardWithNeighbours() {
  AcceleratorMemory card{.device = "cuda:0", .total_bytes = 8 * kGiB, .free_bytes = kGiB};
  card.name = "A card";
  card.processes = {
      {41, "game", 4 * kGiB}, {40, "", kGiB}, {42, "shell", kGiB / 100}, {43, "?", {}}};
  return card;
}

TEST(DiagnosisTest, AdvisesToStopALargeNeighbourOnTheCardButNotItself) {
  Diagnosis diagnosis = LimitedMachine();
  diagnosis.accelerators = {CardWithNeighbours()};
  std::vector<std::string> advice = Advice(diagnosis);
  ASSERT_EQ(advice.size(), 5);
  EXPECT_EQ(advice[1], "Process 41 holds 4 GiB of cuda:0: stop it if it is not needed (game)");
  EXPECT_EQ(advice[2],
            "Process 40 holds 1 GiB of cuda:0: stop it if it is not needed (in another container, "
            "or ended)");
  diagnosis.own_pid = 41;
  EXPECT_NE(Advice(diagnosis)[1].find("Process 40"), std::string::npos);
}

TEST(DiagnosisTest, ACardThatLibTorchDoesNotListIsShownButNotAdvisedToTrainOn) {
  Diagnosis diagnosis = LimitedMachine();
  diagnosis.accelerators = {CardWithNeighbours()};
  diagnosis.accelerators[0].device = "card 0";
  diagnosis.accelerators[0].usable = false;
  const std::string text = DiagnosisText(diagnosis);
  for (const char* part : {"none that this LibTorch can use", "card 0", "A card", "game",
                           "To train on the CPU", "Process 41 holds 4 GiB of card 0"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_EQ(text.find("trainer.device"), std::string::npos) << text;
}

TEST(DiagnosisTest, JsonListsWhoHoldsTheCard) {
  Diagnosis diagnosis = LimitedMachine();
  diagnosis.accelerators = {CardWithNeighbours()};
  const auto card = nlohmann::json::parse(DiagnosisJson(diagnosis))["accelerators"][0];
  EXPECT_EQ(card["device"], "cuda:0");
  EXPECT_EQ(card["name"], "A card");
  EXPECT_EQ(card["usable"], true);
  ASSERT_EQ(card["processes"].size(), 4);
  const nlohmann::json game = {{"pid", 41}, {"name", "game"}, {"bytes", 4 * kGiB}};
  EXPECT_EQ(card["processes"][0], game);
  EXPECT_TRUE(card["processes"][3]["bytes"].is_null());
}

// Two cards of one kind, and one of another kind.
std::vector<NvidiaCard> Cards(const char* third) {
  std::vector<NvidiaCard> cards(3);
  for (int i = 0; i < 3; ++i) {
    cards[i].name = i < 2 ? "A" : third;
    cards[i].uuid = "GPU-" + std::to_string(i) + "abc";
    cards[i].total_bytes = (i + 1) * kGiB;
    cards[i].processes = {{100 + i, "", kGiB}};
  }
  return cards;
}

// "cuda:0=100 card 1 card 2": each device with the process of the card that was joined to it.
std::string Joined(int devices, const std::vector<NvidiaCard>& cards, const CardOrder& order) {
  std::vector<AcceleratorMemory> listed(devices);
  for (int i = 0; i < devices; ++i) listed[i].device = "cuda:" + std::to_string(i);
  std::string text;
  for (const AcceleratorMemory& one : JoinCards(listed, cards, order)) {
    text += (text.empty() ? "" : " ") + one.device;
    if (one.usable && !one.processes.empty()) text += "=" + std::to_string(one.processes[0].pid);
  }
  return text;
}

TEST(JoinCardsTest, CardsOfOneKindHaveCudasNumbers) {
  EXPECT_EQ(Joined(3, Cards("A"), {}), "cuda:0=100 cuda:1=101 cuda:2=102");
  EXPECT_EQ(Joined(0, Cards("A"), {}), "card 0 card 1 card 2");
}

TEST(JoinCardsTest, VisibleDevicesChooseByNumberOrUuid) {
  EXPECT_EQ(Joined(2, Cards("A"), {.visible_devices = "2,0", .device_order = {}}),
            "cuda:0=102 cuda:1=100 card 1");
  EXPECT_EQ(Joined(1, Cards("B"), {.visible_devices = "GPU-2a", .device_order = {}}),
            "cuda:0=102 card 0 card 1");
  EXPECT_EQ(Joined(1, Cards("A"), {.visible_devices = "MIG-1", .device_order = {}}),
            "cuda:0 card 0 card 1 card 2");
  EXPECT_EQ(Joined(1, Cards("A"), {.visible_devices = "7", .device_order = {}}),
            "cuda:0 card 0 card 1 card 2");
}

TEST(JoinCardsTest, CardsOfSeveralKindsAreNotGuessed) {
  EXPECT_EQ(Joined(3, Cards("B"), {}), "cuda:0 cuda:1 cuda:2 card 0 card 1 card 2");
  EXPECT_EQ(Joined(3, Cards("B"), {.visible_devices = {}, .device_order = "PCI_BUS_ID"}),
            "cuda:0=100 cuda:1=101 cuda:2=102");
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

TEST(ProcessesTest, ACommandIsTheCommandLineOrTheNameOrUnknown) {
  const std::string root = testing::TempDir() + "/commands";
  for (const char* pid : {"5", "6"}) std::filesystem::create_directories(root + "/proc/" + pid);
  std::ofstream(root + "/proc/5/cmdline", std::ios::binary) << std::string("a\0b\0", 4);
  std::ofstream(root + "/proc/6/comm") << "worker\n";
  EXPECT_EQ(CommandOf(5, root), "a b");
  EXPECT_EQ(CommandOf(6, root), "worker");
  EXPECT_EQ(CommandOf(7, root), "");
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
