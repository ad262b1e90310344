#include "configs/keys.h"

namespace slimreel {
namespace {

// The names that PyTorch, Lightning, Hugging Face and OpenMMLab use, by section of the key.

std::vector<ConfigAlias> DataAliases() {
  return {
      {"batch_size", "data.batch_size", {}},
      {"per_device_train_batch_size", "data.batch_size", {}},
      {"train_dataloader.batch_size", "data.batch_size", {}},
      {"per_device_eval_batch_size", "data.eval_batch_size", {}},
      {"enable_cache", "data.enable_cache", {}},
      {"max_frames", "data.num_frames", {}},
  };
}

std::vector<ConfigAlias> DataloaderAliases() {
  return {
      {"data.num_workers", "dataloader.num_workers", {}},
      {"data.pin_memory", "dataloader.pin_memory", {}},
      {"data.persistent_workers", "dataloader.persistent_workers", {}},
      {"data.prefetch_factor", "dataloader.prefetch_factor", {}},
      {"dataloader_num_workers", "dataloader.num_workers", {}},
      {"dataloader_pin_memory", "dataloader.pin_memory", {}},
      {"num_workers", "dataloader.num_workers", {}},
      {"pin_memory", "dataloader.pin_memory", {}},
      {"persistent_workers", "dataloader.persistent_workers", {}},
      {"prefetch_factor", "dataloader.prefetch_factor", {}},
  };
}

std::vector<ConfigAlias> TrainAliases() {
  return {
      {"gradient_accumulation_steps", "train.accumulate_grad_batches", {}},
      {"accumulative_counts", "train.accumulate_grad_batches", {}},
      {"optim_wrapper.accumulative_counts", "train.accumulate_grad_batches", {}},
      {"learning_rate", "train.lr", {}},
      {"optim_wrapper.optimizer.lr", "train.lr", {}},
      {"warmup_steps", "train.warmup_steps", {}},
      {"max_steps", "train.max_steps", {{"-1", "none"}}},
      {"num_train_epochs", "train.max_epochs", {}},
      {"max_epochs", "train.max_epochs", {}},
  };
}

std::vector<ConfigAlias> MemoryAliases() {
  return {
      {"gpu.memory_management.gpu_threshold", "memory.gpu_threshold", {}},
      {"gpu.memory_management.cpu_threshold", "memory.cpu_threshold", {}},
      {"gpu.memory_management.auto_cleanup_interval", "memory.auto_cleanup_interval", {}},
      {"gpu.memory_management.enable_monitoring", "memory.enable_monitoring", {}},
      {"gpu.memory_management.force_cleanup_every", "memory.force_cleanup_every", {}},
      {"gpu_memory_threshold", "memory.gpu_threshold", {}},
      {"cpu_memory_threshold", "memory.cpu_threshold", {}},
  };
}

std::vector<ConfigAlias> OtherAliases() {
  return {
      {"fp16", "trainer.precision", {{"true", "16"}, {"false", ""}}},
      {"bf16", "trainer.precision", {{"true", "bf16"}, {"false", ""}}},
      {"mixed_precision",
       "trainer.precision",
       {{"true", "16"}, {"fp16", "16"}, {"false", ""}, {"no", ""}}},
      {"gradient_checkpointing", "model.use_gradient_checkpointing", {}},
      {"backbone", "model.name", {}},
      {"load_from", "model.weights", {}},
      {"eval_strategy", "evaluation.strategy", {}},
      {"eval_steps", "evaluation.every_steps", {}},
      {"generation_max_length", "evaluation.generation_max_length", {}},
      {"save_steps", "checkpoint.every_steps", {}},
      {"save_total_limit", "checkpoint.keep", {}},
      {"output_dir", "--run", {}},
      {"resume", "--resume", {{"true", "auto"}, {"false", "none"}}},
  };
}

std::vector<ConfigAlias> AllAliases() {
  std::vector<ConfigAlias> all;
  for (const std::vector<ConfigAlias>& section :
       {DataAliases(), DataloaderAliases(), TrainAliases(), MemoryAliases(), OtherAliases()}) {
    all.insert(all.end(), section.begin(), section.end());
  }
  return all;
}

}  // namespace

const std::vector<ConfigAlias>& ConfigAliases() {
  static const auto* const kAliases = new std::vector<ConfigAlias>(AllAliases());
  return *kAliases;
}

}  // namespace slimreel
