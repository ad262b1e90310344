"""Counts the bytes of PyTorch's tensors in a piece of work, by the allocator's own events.

torch.profiler reports each allocation and release of the CPU allocator. Their running sum, with
what lived before, is the same number that SlimReel's allocator counts on its own side.
"""

import torch
from torch.profiler import ProfilerActivity, profile


def storage_bytes(tensors):
    """Bytes of the tensors' memory; memory that several of them share counts once."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


def state_tensors(optimizer):
    return [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]


def peak_growth(work):
    """Calls `work` and returns the highest sum of the bytes that it allocated and still held."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak
